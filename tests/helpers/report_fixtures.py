"""A made-up run folder and its page, parsed; shared by the tests of the report."""

import html.parser
from pathlib import Path

import numpy as np

from base import durable
from records.history import COLUMNS
from reports.page import Mistake, write_report

SCORES = {"accuracy": 0.75, "accuracy_interval": [0.6, 0.9], "loss": 0.5, "loss_interval": [0.25, 0.625]}


class Parsed(html.parser.HTMLParser):
    """A page's tags with their attributes, the text a reader sees, and the text of each section."""

    VOID = ("meta", "img", "source", "br", "link")

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


def make_run(folder: Path, class_names=("cats", "dogs"), predictions=None, epochs=4, **results) -> Path:
    """A run folder; `predictions` are (label, prediction) class numbers of the test examples."""
    folder.mkdir(exist_ok=True)
    if predictions is None:
        predictions = [(number % len(class_names), number // 3 % len(class_names)) for number in range(60)]
    named = [(class_names[label], class_names[prediction]) for label, prediction in predictions]
    test = SCORES | {"examples": len(named), "accuracy": float(np.mean([a == b for a, b in named]))} if named else None
    durable.write_json(
        folder / "results.json",
        {"dataset": "catdog", "model": "catdog_2", "data_origin": "real", "class_names": list(class_names),
         "train": SCORES | {"examples": 90}, "validation": SCORES | {"examples": 30}, "test": test,
         "epochs": epochs, "best_epoch": 1} | results,
    )  # fmt: skip
    durable.write_json(folder / "options.json", {"seed": 7, "augment": {"rotate_degrees": 20.0}, "filters": None})
    row = dict.fromkeys(COLUMNS, 0.5)
    durable.write_csv(folder / "history.csv", [COLUMNS, *[(row | {"epoch": n + 1}).values() for n in range(epochs)]])
    split = [
        (f"{n}.jpg", label, name, f"{name}{n}") for name in ("train", "test") for n, (label, _) in enumerate(named)
    ]
    durable.write_csv(folder / "split.csv", [("path", "label", "split", "sha256"), *split])
    rows = [(f"{n}.jpg", *pair, *[0.5] * len(class_names)) for n, pair in enumerate(named)]
    durable.write_csv(folder / "predictions_test.csv", [("path", "label", "prediction", *class_names), *rows])
    return folder


def mistake(name: str = "cats", side: int = 8) -> Mistake:
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Mistake(f"test/{name}/1.jpg", name, "dogs", 0.98765, image)


def report_of(run_dir: Path, mistakes=(), samples=None, augmented=None) -> tuple[str, Parsed]:
    path = write_report(run_dir, mistakes, samples, augmented)
    assert path == run_dir / "report.html"
    text = path.read_text("utf-8")  # strict: the page is UTF-8 whatever the names are
    return text, Parsed(text)
