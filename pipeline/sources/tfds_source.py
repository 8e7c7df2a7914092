"""Any image-classification builder of TensorFlow Datasets, as class folders.

A builder keeps its pictures encoded inside TFRecord files. They are written out once, as the very bytes that the
builder holds, into class folders of the cache; from there on they are files like any others, so the index, the
split, the pack and exact resume need no second way.
"""

import hashlib
import os
from pathlib import Path

from base import durable, locks
from base.errors import UserError, unknown_name
from base.splits import SPLIT_NAMES
from base.watch import SILENT, Watch
from pipeline.sources.folders import Catalog, Folder


def open_builder(name: str, data_dir: str, cache_dir: Path, watch: Watch = SILENT) -> Catalog:
    """Class folders of the builder `name` (as TFDS writes it: NAME, NAME/CONFIG, NAME:VERSION).

    Downloads and prepares it through TFDS where it is not prepared yet. Raises UserError for an unknown builder, one
    without an image and a class label, and a failed download.
    """
    import tensorflow_datasets as tfds

    try:
        if tfds.core.naming.parse_builder_name_kwargs(name)[0].namespace:
            raise ValueError("a community's builder is a program from the net: give one that TFDS itself brings")
        builder = tfds.builder(name, data_dir=data_dir or None)
    except tfds.core.registered.DatasetNotFoundError:
        raise unknown_name("TFDS builder", name, tfds.list_builders(), "see tfds.list_builders()") from None
    except Exception as error:  # AssertionError for a version that is not there, ImportError for what it is made with
        raise UserError(f"--dataset=tfds:{name}: {_first_line(error)}") from None
    image, label = _supervised_features(builder, tfds)
    _prepare(builder, tfds)
    known = [split for split in builder.info.splits if split in SPLIT_NAMES]
    splits = [split for split in known if builder.info.splits[split].num_examples]
    if "train" not in splits:
        raise UserError(f"--dataset=tfds:{name} has the splits {list(builder.info.splits)}: it must have train")
    root = cache_dir / "tfds" / f"{builder.info.full_name.replace('/', '-')}-{_fingerprint(builder)}"

    def write() -> None:
        with durable.whole_directory(root) as temporary:
            for split in splits:
                _write_out(builder, split, image, label, temporary, tfds)

    locks.make_once(root, write, watch)
    class_names = tuple(builder.info.features[label].names)
    present = (place.relative_to(root) for split in splits for place in sorted((root / split).iterdir()))
    folders = tuple(Folder(os.fsencode(place), int(place.name), place.parts[0]) for place in present)
    return Catalog(os.fsencode(root.absolute()), class_names, folders)


def _supervised_features(builder, tfds) -> tuple[str, str]:
    """The names of the one image feature and the one class label."""
    features = builder.info.features
    keys = builder.info.supervised_keys or ()
    images = [key for key in features if isinstance(features[key], tfds.features.Image)]
    labels = [key for key in features if isinstance(features[key], tfds.features.ClassLabel)]
    image = next((key for key in keys if key in images), images[0] if len(images) == 1 else None)
    label = next((key for key in keys if key in labels), labels[0] if len(labels) == 1 else None)
    if image is None or label is None:
        raise UserError(
            f"--dataset=tfds:{builder.name} has the features {', '.join(features)}: it must have one Image and one "
            "ClassLabel to be an image-classification data set"
        )
    return image, label


def _prepare(builder, tfds) -> None:
    try:
        builder.download_and_prepare()
    except Exception as error:  # TFDS lets through whatever its download, extraction or generator raised.
        raise UserError(
            f"--dataset=tfds:{builder.name} could not be downloaded and prepared ({_first_line(error)}): prepare it "
            f"where there is a network, then give its folder with --data_dir"
        ) from None


def _fingerprint(builder) -> str:
    """Changes when the prepared files do: a builder rebuilt under the same version is another data set."""
    facts = [(name, split.shard_lengths, split.num_bytes) for name, split in sorted(builder.info.splits.items())]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _write_out(builder, split: str, image: str, label: str, folder: Path, tfds) -> None:
    read_config = tfds.ReadConfig(interleave_cycle_length=1)  # the order of the records, not of the readers
    decoders = {image: tfds.decode.SkipDecoding()}
    examples = builder.as_dataset(split=split, decoders=decoders, read_config=read_config, shuffle_files=False)
    for number, example in enumerate(examples.as_numpy_iterator()):
        target = folder / split / f"{int(example[label]):05d}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{number:08d}").write_bytes(example[image])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
