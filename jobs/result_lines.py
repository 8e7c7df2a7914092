"""The log lines of a run's end: scores, decisions, speed, and where everything is."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluation.metrics import another_story
from jobs.decisions import decision_lines
from jobs.run import Run


def announce_results(run: Run, results: Mapping, label_words: Sequence[str] = (), slice_words: str = "") -> None:
    """Scores with their intervals, what is to be looked at, in words, speed, and where everything is."""
    say = run.watch.say
    note = " on SYNTHETIC pictures" if results["data_origin"] == "synthetic" else ""
    for name, figures in ((name, results[name]) for name in run.data.splits.ids):
        if figures:
            low, high = figures["accuracy_interval"]
            say(f"{name:<12}accuracy {figures['accuracy']:.4f} ({low:.4f} to {high:.4f})  loss {figures['loss']:.4f}  "
                f"{figures['examples']} examples{note}")  # fmt: skip
            if story := another_story(figures):
                say(f"            {story}")
    for line in decision_lines(results["decision"]):
        say(line)
    for line in label_words:
        say(f"labels      {line}")
    if slice_words:
        say(f"slices      {slice_words}")
    rate, wait = results["images_per_second"], results["input_wait_fraction"]
    rates = "" if rate is None else f"; {rate:.0f} images/s, input wait {100 * wait:.1f}%"
    starts = "" if results["starts"] == 1 else f"; {results['starts']} starts"
    say(f"best epoch  {results['best_epoch']} of {results['epochs']}{rates}{starts}")
    difference = results["export_largest_difference"]
    say(f"model       {run.folder.saved_model} (differs from evaluation by {difference:.1e} at most)")
    if results["export_files_changed"]:
        say(f"  warning   {results['export_files_changed']} files of the proof have changed since they were packed: "
            "their packed pixels were sent instead")  # fmt: skip
    say(f"report      {run.folder.report.path}")
    say(f"curves      tensorboard --logdir {shlex.quote(str(_log_dir(run.folder.path)))}")


def _log_dir(run_dir: Path) -> Path:
    """Where TensorBoard finds this run and those beside it."""
    runs = Path("runs")
    return runs if run_dir.parent.parent == runs else run_dir.parent
