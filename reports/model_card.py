"""The model card of a run: what the model is, what it was made from, how good it is, and where that ends.

As Mitchell et al., "Model cards for model reporting" (2019), ask for; it says what the run's files say, and no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from base.splits import SPLIT_NAMES
from reports.advice import advice
from reports.evidence import UNEVEN, Evidence
from reports.figures_words import ranking_words
from reports.markdown import inline, markdown_code
from reports.numbers import date_and_time, number, percent, percent_interval
from reports.verdict import little_tested, too_few_examples, verdict, worse_slices

MOST_CLASSES = 50  # of a table


def render_model_card(
    *, run_path: Path, evidence: Evidence, class_counts: Sequence[tuple[str, Sequence[int]]], split_sha256: str,
    command: str,
) -> str:  # fmt: skip
    """The card, in Markdown.

    Args:
      run_path: the run's folder, from which its model is loaded; `command` starts the run again.
      evidence: of the run, with its results.json.
      class_counts: (name, examples in each of `SPLIT_NAMES`) of each class.
      split_sha256: of split.csv, which lists every picture with its class, its split and its bytes' SHA-256.
    """
    sections = [
        ("", _head(run_path, evidence.results)),
        ("Intended use", _use(evidence.results)),
        ("Data", _data(evidence, class_counts, split_sha256)),
        ("Figures", _figures(evidence)),
        ("Limits", [f"- {inline(limit)}" for limit in limits(evidence)]),
        ("Use it", _usage(run_path, evidence)),
        ("Make it again", _reproduction(evidence.results, command)),
    ]
    return "\n\n".join("\n".join([f"## {title}", "", *lines] if title else lines) for title, lines in sections) + "\n"


def limits(evidence: Evidence) -> list[str]:
    """Sentences on what the figures do not say, a rule each."""
    return [sentence for rule in LIMITS if (sentence := rule(evidence))]


def synthetic(evidence: Evidence) -> str:
    """Where the pictures were rendered."""
    is_synthetic = evidence.results["data_origin"] == "synthetic"
    return "The pictures are synthetic: the figures say nothing about real ones." if is_synthetic else ""


def untested(evidence: Evidence) -> str:
    """Where there is no test split."""
    if evidence.figures.get("test"):
        return ""
    return "There is no test split: no figure is of pictures on which the model was neither trained nor chosen."


def copied(evidence: Evidence) -> str:
    """Where a split holds a file of another one."""
    return f"{evidence.copies:,} files are in two splits: the figures are flattered." if evidence.copies else ""


def imbalanced(evidence: Evidence) -> str:
    """Where train has twice as many examples of one class as of another."""
    counts = evidence.train_counts
    if not counts or max(counts) < UNEVEN * max(min(counts), 1):
        return ""
    return f"The classes are uneven: from {min(counts):,} to {max(counts):,} training pictures."


def never_seen(evidence: Evidence) -> str:
    """Where classes have no training example."""
    count = sum(examples == 0 for examples in evidence.train_counts)
    return f"Of {count:,} of {len(evidence.train_counts):,} classes no picture was trained on." if count else ""


def uncalibrated(evidence: Evidence) -> str:
    """Where chance does not explain the calibration error."""
    is_off = evidence.calibration is not None and not evidence.calibration.holds
    return "Its probabilities do not mean what they say: see the figures." if is_off else ""


def unsliced(evidence: Evidence) -> str:
    """Where no slices were made."""
    if evidence.slices:
        return ""
    return "How it does on parts of the pictures, such as dark or small ones, was not measured."


def always(evidence: Evidence) -> str:
    """What holds of every run."""
    return (
        "It answers one of its classes whatever a picture shows, and how it does on pictures of another origin is not "
        "known."
    )


LIMITS = (synthetic, untested, copied, too_few_examples, little_tested, imbalanced, never_seen, worse_slices,
          uncalibrated, unsliced, always)  # fmt: skip


def _head(run_path: Path, results: Mapping) -> Iterator[str]:
    yield f"# {inline(results['model'])} on {inline(results['dataset'])}"
    yield ""
    made = f", finished {date_and_time(results['finished_at'])}" if "finished_at" in results else ""
    size = f" {number(results['parameters'])} parameters that learn." if "parameters" in results else ""
    yield (
        f"An image classifier of {len(results['class_names']):,} classes, made by Penstock in the run "
        f"{inline(run_path.name)}{inline(made)}.{size}"
    )


def _use(results: Mapping) -> Iterator[str]:
    yield (
        f"To tell apart pictures of the kind it was trained on: those of {inline(results['dataset'])}. For what "
        "purpose, by whom and for whom, and what a mistake costs, no file of the run says: whoever passes the model "
        "on should."
    )


def _data(evidence: Evidence, class_counts: Sequence[tuple[str, Sequence[int]]], split_sha256: str) -> Iterator[str]:
    results = evidence.results
    totals = [sum(counts[place] for _, counts in class_counts) for place in range(len(SPLIT_NAMES))]
    rows = [(name, *map(number, counts)) for name, counts in class_counts[:MOST_CLASSES]]
    yield _table(("class", *SPLIT_NAMES), [*rows, ("all", *map(number, totals))])
    yield ""
    if len(class_counts) > MOST_CLASSES:
        yield f"- of {len(class_counts):,} classes the first {MOST_CLASSES}; split.csv has all"
    yield f"- origin: {results['data_origin']}"
    yield f"- SHA-256 of split.csv: {split_sha256}"
    if "manifest_sha256" in results:
        yield f"- SHA-256 of the list of pictures: {results['manifest_sha256']}"
    yield f"- files quarantined: {results.get('quarantined', 0):,}; not used: {results.get('left_aside', 0):,}"
    yield from (f"- {inline(note)}" for note in results.get("notes", []))


def _figures(evidence: Evidence) -> Iterator[str]:
    rows = []
    for name in SPLIT_NAMES:
        if one := evidence.figures.get(name):
            low, high = one["loss_interval"] or (None, None)
            rows.append((name, number(one["examples"]), percent(one["accuracy"], 2),
                         percent_interval(one["accuracy_interval"], 2), number(one["loss"], 4),
                         f"{number(low, 4)} to {number(high, 4)}"))  # fmt: skip
    yield _table(("split", "examples", "accuracy", "95% interval", "loss", "95% interval"), rows)
    yield ""
    for word, value in ranking_words(evidence.figures.get("test") or {}):
        yield f"- {word}, of the test split: {value}"
    yield from (f"- {inline(sentence)}" for sentence in verdict(evidence))
    if tried := advice(evidence):
        yield ""
        yield "What might be tried next:"
        yield ""
        yield from (f"{place}. {inline(line)}" for place, line in enumerate(tried, 1))


def _usage(run_path: Path, evidence: Evidence) -> Iterator[str]:
    yield "`saved_model` needs nothing but TensorFlow; decoding, size and scale of pictures are inside:"
    yield ""
    lines = ["import tensorflow as tf", f"model = tf.saved_model.load({str(run_path / 'saved_model')!r})",
             'with open("picture.jpg", "rb") as picture:',
             '    print(model.signatures["serving_default"](image_bytes=tf.constant([picture.read()])))']  # fmt: skip
    yield from map(markdown_code, lines)
    yield ""
    yield f"- `serving_default(image_bytes: string [n])` and `serve_images(images: {_pixels(evidence.options)})`"
    classes = len(evidence.results["class_names"])
    yield f"- give `class_name` string [n], `probability` float32 [n] and `probabilities` float32 [n, {classes}]"
    decision = evidence.results.get("decision") or {}
    if decision.get("temperature"):
        yield f"- a temperature of {number(decision['temperature']['value'])} is inside"
    if decision.get("words"):
        yield f"- {inline(decision['words'])}"


def _pixels(options: Mapping) -> str:
    """Type and shape of what `serve_images` takes."""
    sides = list(options.get("image_size") or ["height", "width"])
    height, width = sides if len(sides) == 2 else sides * 2
    channels = {"rgb": 3, "grayscale": 1}.get(options.get("color_mode"), "channels")
    kind = {"8": "uint8", "16": "uint16"}.get(options.get("bit_depth"), "uint8 or uint16")
    return f"{kind} [n, {height}, {width}, {channels}]"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([inline(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _reproduction(results: Mapping, command: str) -> Iterator[str]:
    yield markdown_code(command)
    yield ""
    yield "gives the same bits on the same pictures, programs, processor and number of threads:"
    yield ""
    for name in ("seed", "device", "precision", "strategy"):
        if results.get(name) is not None:
            yield f"- {name}: {inline(str(results[name]))}"
    if versions := results.get("versions"):
        yield f"- versions: {inline(', '.join(f'{name} {version}' for name, version in versions.items()))}"
    if "weights_sha256" in results:
        yield f"- SHA-256 of the weights after the last step: {results['weights_sha256']}"
