"""How much of a catdog_2 epoch checkpoints, history.csv and TensorBoard take, timed inside a run of train.py."""

from benchmarks import figures, processes
from benchmarks.settings import Settings

LIMIT_PERCENT = 2.0


def measure(settings: Settings) -> list[dict]:
    """Per cent of each epoch but the first; as many epochs as there are rounds."""
    command = processes.module(
        "programs.epoch_ends", "--dataset=catdog", f"--data_dir={settings.data_dir}",
        f"--cache_dir={settings.scratch / 'cache'}", f"--run_dir={settings.scratch / 'run'}",
        f"--epochs={settings.rounds + 1}",
    )  # fmt: skip
    shares = processes.run(command).values("share")
    return [figures.at_most("checkpoints and summaries, of an epoch", shares, unit="%", limit=LIMIT_PERCENT)]
