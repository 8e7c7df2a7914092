"""A made-up run folder and its page, parsed; shared by the tests of the report."""

import html.parser
from pathlib import Path

import numpy as np

from evaluation.metrics import balanced_accuracy, confusion_matrix
from jobs.options import resolve
from jobs.report import draw_report, read_record
from records.history import COLUMNS
from records.run_folder import RunFolder
from records.tables import PredictionRow, SplitRow
from reports.contact_sheet import Band, Sheet, Tile
from reports.shown_answer import ShownAnswer

SHEET = Sheet([Band([Tile(np.zeros((8, 8, 3), np.uint8), "epoch 1")], "cats", "train/cats/1.jpg")], "1 of 2 classes")
SCORES = {"accuracy": 0.75, "accuracy_interval": [0.6, 0.9], "loss": 0.5, "loss_interval": [0.25, 0.625]}


class Parsed(html.parser.HTMLParser):
    """A page's tags with their attributes, the text a reader sees, and the text of each section."""

    VOID = ("meta", "img", "source", "br", "link", "wbr")

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.sections, self.open_tags, self.section = [], {}, [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open_tags.append(tag)
        if tag == "section":
            self.section = dict(attributes)["id"]

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag, f"</{tag}> closes another tag"
        self.handle_data(" ")

    def handle_data(self, data):
        self.sections[self.section] = self.sections.get(self.section, "") + data

    def words(self, section: str) -> str:
        return " ".join(self.sections[section].split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def make_run(path: Path, class_names=("cats", "dogs"), predictions=None, epochs=4, **results) -> RunFolder:
    """A run folder; `predictions` are (label, prediction) class numbers of the test examples."""
    folder = RunFolder(path)
    if predictions is None:
        predictions = [(number % len(class_names), number // 3 % len(class_names)) for number in range(60)]
    named = [(class_names[label], class_names[prediction]) for label, prediction in predictions]
    test = None
    if named:
        counts = confusion_matrix(*np.transpose(predictions), len(class_names))
        test = SCORES | {"examples": len(named), "accuracy": float(np.mean([a == b for a, b in named])),
                         "balanced_accuracy": balanced_accuracy(counts)}  # fmt: skip
    folder.results.write(
        {"dataset": "catdog", "model": "catdog_2", "data_origin": "real", "class_names": list(class_names),
         "train": SCORES | {"examples": 90}, "validation": SCORES | {"examples": 30}, "test": test,
         "epochs": epochs, "best_epoch": 1} | results,
    )  # fmt: skip
    folder.options.write(resolve("catdog", {"seed": 12345}).to_json())
    folder.history.write(
        [
            dict.fromkeys(COLUMNS, 0.5) | {"epoch": number + 1, "step": 10 * number + 10, "phase": "all"}
            for number in range(epochs)
        ]
    )
    folder.split.write([
        SplitRow(f"{n}.jpg", label, split, f"{split}{n}")
        for split in ("train", "test") for n, (label, _) in enumerate(named)
    ])  # fmt: skip
    probabilities = [
        probabilities_of(number, answer, len(class_names)) for number, (_, answer) in enumerate(predictions)
    ]
    rows = [PredictionRow(f"{n}.jpg", *pair, probabilities[n]) for n, pair in enumerate(named)]
    folder.predictions.write(class_names, rows)
    return folder


def probabilities_of(number: int, answer: int, classes: int) -> np.ndarray:
    """float32 [classes], largest of the answer, surer or less sure by the number."""
    sure = 1.0 if classes == 1 else 0.6 + 0.39 * (number * 7 % 20) / 20
    row = np.full(classes, (1.0 - sure) / max(classes - 1, 1), np.float32)
    row[answer] = sure
    return row


def mistake(name: str = "cats", side: int = 8) -> ShownAnswer:
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return ShownAnswer(f"test/{name}/1.jpg", name, "dogs", 0.98765, image)


def report_of(folder: RunFolder, mistakes=(), sheets=(None, None)) -> tuple[str, Parsed]:
    """The page as it is read back from the folder, and parsed."""
    folder.report.write(draw_report(read_record(folder), mistakes, sheets))
    text = folder.report.path.read_text("utf-8")  # strict: the page is UTF-8 whatever the names are
    return text, Parsed(text)
