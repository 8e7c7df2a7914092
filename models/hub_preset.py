"""hub:PRESET or hub:FOLDER: a network of KerasHub, by its preset's name or from a folder. Imports no TensorFlow."""

import contextlib
import dataclasses
import hashlib
import os
from pathlib import Path

from base.errors import UserError

_PREFIX = "hub:"
# What of a preset's folder says how the network is built, and which pictures it wants.
_STRUCTURE = ("config.json", "image_converter.json")
_WEIGHTS_FILE = "model.weights.h5"


@dataclasses.dataclass(frozen=True)
class HubPreset:
    """A preset of KerasHub: `preset` is a name that KerasHub fetches, or the path of a folder."""

    preset: str

    def __str__(self):
        return f"--model={_PREFIX}{self.preset}"

    @property
    def function(self) -> str:
        """What names the model that is built of it."""
        return "".join(letter if letter.isalnum() else "_" for letter in os.path.basename(self.preset.rstrip("/")))

    @property
    def shown(self) -> str:
        """In words, without where its folder is."""
        return f"{_PREFIX}{os.path.basename(self.preset.rstrip('/'))}"

    @property
    def folder(self) -> Path | None:
        """Where it is; None for one that KerasHub knows by name."""
        return Path(self.preset) if is_folder(self.preset) else None

    @property
    def is_there(self) -> bool:
        """Whether it can still be looked at."""
        return not self.folder or self.folder.exists()

    @property
    def sha256(self) -> str:
        """Of what a folder says of the network; of a name, that of the name. Raises UserError where it lacks it."""
        digest = hashlib.sha256(b"" if self.folder else self.preset.encode())
        for name in _STRUCTURE if self.folder else ():
            digest.update(_read(self, name))
        return digest.hexdigest()

    @property
    def weights_sha256(self) -> str:
        """Of a folder's weights; of a name, that of the name. Raises UserError where it lacks them."""
        content = _read(self, _WEIGHTS_FILE) if self.folder else self.preset.encode()
        return hashlib.sha256(content).hexdigest()

    def naming_trouble(self) -> contextlib.AbstractContextManager:
        """A block that builds it; what KerasHub refuses is told where it is asked."""
        return contextlib.nullcontext()


def hub_preset(name: object) -> HubPreset | None:
    """The preset that a --model names; None where it names something else."""
    is_one = isinstance(name, str) and name.startswith(_PREFIX) and len(name) > len(_PREFIX)
    return HubPreset(name.removeprefix(_PREFIX)) if is_one else None


def without_folder(name: object) -> object:
    """What of a --model a run is a function of: what a folder says is that, besides, and where it lies is not."""
    preset = hub_preset(name)
    return f"{_PREFIX}FOLDER" if preset and preset.folder else name


def is_folder(preset: str) -> bool:
    """Whether a preset is said as a path, and not by a name or an address that KerasHub knows."""
    return "://" not in preset and (os.sep in preset or os.path.isdir(preset))


def _read(preset: HubPreset, name: str) -> bytes:
    try:
        return (preset.folder / name).read_bytes()
    except OSError as error:
        raise UserError(
            f"{preset}: its {name} cannot be read ({error.strerror}): give a folder that KerasHub's save_to_preset has "
            "written of an image classifier's preprocessor and backbone"
        ) from None
