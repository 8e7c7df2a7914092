"""Shows header bombs to every reader in a process that may take 1 GB above what it has.

python -m tests.helpers.memory_child FOLDER SAVED_MODEL; FOLDER holds class folders of bombs, and one good
picture in each.
Prints what each reader said, as JSON.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

from pipeline.decoding.check import check_pictures
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.reasons import reason_of
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.headers import Header
from pipeline.sources.index import build_index
from serving.predictor import Predictor, find_pictures
from tests.helpers.mutations import MEMORY_BYTES, limit_memory


def main(folder: Path, saved_model: Path) -> None:
    """See the file's first lines."""
    predictor = Predictor(saved_model)
    endpoint = predictor._endpoint
    paths, _ = find_pictures([str(folder)])
    list(predictor.predict([paths[0]]))  # what TensorFlow takes when it first runs is its own
    limit_memory(MEMORY_BYTES)
    said = {"predict": {os.fsdecode(one.path): one.reason for one in predictor.predict(paths)}, "endpoint": {}}
    for path in paths:
        content = Path(os.fsdecode(path)).read_bytes()
        try:
            # As many as a client sends at once: each alone might fit.
            endpoint(image_bytes=tf.constant([content] * 16))
        except tf.errors.InvalidArgumentError as error:
            said["endpoint"][os.fsdecode(path)] = reason_of(error)
    said["index"] = shown(build_index(catalog_of_folder(folder), folder.parent / "cache", 2).quarantine, folder)
    said["check"] = check_alone(folder)
    print(json.dumps(said))


def check_alone(folder: Path) -> dict:
    """What decoding says of files that no index has looked at."""
    from pipeline.sources import index

    index.read_header = lambda content: Header("png", 1, 1, 3)
    manifest = build_index(catalog_of_folder(folder), folder.parent / "other", 2)
    refused = check_pictures(manifest, PixelFormat.square(32), 2).refused
    return shown([(manifest.paths[row], reason) for row, reason in refused.items()], folder)


def shown(reasons, folder: Path) -> dict:
    """Path -> reason."""
    return {str(folder / os.fsdecode(path)): reason for path, reason in reasons}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
