"""Pictures on disk for whoever tests, the shared data, and a loud word where it is missing."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as users have it

import numpy as np
import pytest
from PIL import Image

from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from pipeline.sources.manifest import Manifest
from tests.helpers.run_fixtures import SHARED
from tests.helpers.shared_data import DATA
from tests.helpers.storage import SMALL_DISK_BYTES, disk

_NO_DATA = (
    "SHARED DATA MISSING: tests on real pictures need the folder ../shared/data beside the repository, or "
    "PENSTOCK_DATA=PATH of it"
)


def random_picture(seed: int, height: int = 24, width: int = 32, channels: int = 3, bits: int = 8) -> np.ndarray:
    """[height, width, channels] uint8 or uint16: a slope, a wave and a little noise, so that no two parts are alike."""
    generator = np.random.default_rng(seed)
    row, column = np.mgrid[0:height, 0:width]
    row, column = row[..., None] / height, column[..., None] / width
    angle, phase, tint = generator.uniform(0.5, 3.0, 3), generator.uniform(0, 6.28, 3), generator.uniform(-0.3, 0.3, 3)
    values = 0.5 + 0.2 * np.sin(9 * angle * row + phase + 5 * column) + 0.5 * tint * (row - column)
    values = np.clip(values + generator.normal(0, 0.02, values.shape), 0, 1)[..., :channels]
    return np.round(values * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def write_picture(path: Path | bytes, picture: np.ndarray) -> None:
    """Encodes by the suffix of `path`: .jpg (quality 95), .png (8 or 16 bits) or what else Pillow knows."""
    path = os.fsencode(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    with open(path, "wb") as file:
        image.save(file, {b".jpg": "JPEG", b".png": "PNG"}[os.path.splitext(path)[1]], quality=95)


@pytest.fixture(autouse=True)
def _float32_afterwards() -> Iterator[None]:
    """The dtype policy is the process's: a run in mixed precision must not leave it to the next test."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture
def picture_tree(tmp_path) -> Callable[..., Path]:
    """A maker of class folders: picture_tree({"cats": 3, "dogs": 2}) -> the root; "train/cats" makes split folders."""

    def make(counts: Mapping[str, int], name="pictures", suffixes: Sequence[str] = (".jpg", ".png"), **picture) -> Path:
        root = tmp_path / name
        for place, (folder, count) in enumerate(counts.items()):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                path = root / folder / f"{number:04d}{suffixes[number % len(suffixes)]}"
                write_picture(path, random_picture(1000 * place + number, **picture))
        return root

    return make


@pytest.fixture
def index_of(tmp_path) -> Callable[..., Manifest]:
    """index_of(root) -> the Manifest of its class folders; the index is kept in tmp_path/cache."""
    return lambda root, threads=2: build_index(catalog_of_folder(root), tmp_path / "cache", threads)


@pytest.fixture
def cache_dir(tmp_path) -> Path:
    """Another folder than the index's."""
    return tmp_path / "packs_here"


@pytest.fixture
def manifest(picture_tree, index_of) -> Manifest:
    """Five pictures, one of which cannot be decoded."""
    root = picture_tree({"a": 3, "b": 2})
    content = (root / "b" / "0000.jpg").read_bytes()
    (root / "b" / "0000.jpg").write_bytes(content[: len(content) // 2])
    return index_of(root)


@pytest.fixture
def threads_as_they_are(monkeypatch) -> None:
    """Runs may begin in this process: TensorFlow has fixed its threads by now, and none sets them."""
    monkeypatch.setattr("training.device._set_threads", lambda threads: None)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of SMALL_DISK_BYTES; the test is skipped where this user may not mount one."""
    with disk(tmp_path / "disk", SMALL_DISK_BYTES) as mounted:
        if not mounted:
            pytest.skip("mounting a small disk needs root")
        yield tmp_path / "disk"


def pytest_collection_modifyitems(items) -> None:
    """A fast test that waits for ever fails after twenty minutes; the slowest takes two, on a busy machine ten."""
    for item in items:
        if not (item.get_closest_marker("slow") or item.get_closest_marker("timeout")):
            item.add_marker(pytest.mark.timeout(1200))


def shared_data_dir() -> Path | None:
    """$PENSTOCK_DATA, or ../shared/data from the repository; None where it is not there."""
    return DATA if DATA.is_dir() else None


@pytest.fixture
def shared_data() -> Path:
    """The folder of real pictures; the test is skipped, and the end of the run says so, where it is missing."""
    path = shared_data_dir()
    if path is None:
        pytest.skip(_NO_DATA)
    return path


def pytest_configure(config) -> None:
    """The processes of a session share a folder, which the first one makes."""
    # A shell's background job ignores Ctrl-C, and a program that a test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if SHARED not in os.environ:
        config.penstock_tests_dir = tempfile.TemporaryDirectory(prefix="penstock-tests-")
        os.environ[SHARED] = config.penstock_tests_dir.name


def pytest_unconfigure(config) -> None:
    """Removes what `pytest_configure` made."""
    if folder := getattr(config, "penstock_tests_dir", None):
        del os.environ[SHARED]
        folder.cleanup()


def pytest_terminal_summary(terminalreporter) -> None:
    """Says at the very end what a green run has not shown."""
    skipped = [report for report in terminalreporter.getreports("skipped") if _NO_DATA in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests skipped. {_NO_DATA}", yellow=True, bold=True)
