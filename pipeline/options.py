"""Which pictures a run is about, and how they are decoded, split and kept. Imports no TensorFlow."""

import dataclasses
import re
from collections.abc import Sequence

from base.errors import UserError
from base.options import Options, between, option
from pipeline.decoding.pixel_format import IMAGE_SIZES, RESIZES, shown_size
from pipeline.sources.folds import LEAST_FOLDS, MOST_FOLDS, Fold

_SIZE = f"one whole number {between(IMAGE_SIZES)}, the side of a square, or two with a comma between them, height,width"
_COLOR = "white, black or a color as #ff8000"
_THREE_FRACTIONS = "three fractions below 1, for train, validation and test, that add up to 1, as in 0.6,0.2,0.2"


@dataclasses.dataclass(frozen=True)
class DataOptions(Options):
    """How pictures on disk become examples."""

    dataset: str = option(
        "", "realsense, catdog, folder:PATH (class folders, or split folders of class folders) or tfds:NAME",
        identity=False,
    )  # fmt: skip
    data_dir: str = option("", "where the pictures are; the default is the data set's usual place", identity=False,
                          path=True)  # fmt: skip
    labels_csv: str = option("", "a table with the columns path, label and, if wanted, split, in any order, where "
                             "--dataset=folder:PATH has no class folders", identity=False, path=True)  # fmt: skip
    image_size: tuple[int, ...] = option(
        (96,), "of the decoded pictures, in pixels: the side of a square, or height,width", within=IMAGE_SIZES,
        rule=_SIZE,
    )  # fmt: skip
    resize: str = option(
        "auto", "how pictures of other proportions become that: squash scales each side by itself, crop takes the "
        "middle of a picture, pad puts it whole on --background; auto is squash where that distorts few pictures much",
        choices=("auto", *RESIZES),
    )  # fmt: skip
    pack_size: tuple[int, ...] | None = option(
        None, "store pictures for training in this size, at least --image_size and at most twice that, so that "
        "--crop_scale cuts from more pixels; the side of a square, or height,width; 0 is --image_size",
        within=(0, IMAGE_SIZES[1]), rule=_SIZE,
    )  # fmt: skip
    color_mode: str = option("auto", "auto is grayscale where every file is gray", choices=("auto", "grayscale", "rgb"))
    bit_depth: str = option("auto", "bits a channel; auto is 16 where half of the files have them",
                            choices=("auto", "8", "16"))  # fmt: skip
    background: str = option("white", "on what transparent and padded pictures are laid: white, black or red, green "
                             "and blue as #ff8000", rule=_COLOR)  # fmt: skip
    full_scale: int = option(
        0, "the pixel value that becomes 1.0; 0 is 255, or what the training pictures reach", within=(0, 65_535)
    )
    split_fractions: tuple[float, float, float] | None = option(
        None, "train,validation,test of the pictures whose split no folder names, as in 0.6,0.2,0.2, the default; "
        "where folders name validation and no test, a test split is drawn only if this is given",
        rule=_THREE_FRACTIONS,
    )  # fmt: skip
    split_seed: int = option(1, "of the drawn split, and of the folds", within=(0, 2**31 - 1))
    folds: int = option(
        0, "cross-validation: so many runs, in folders fold-1, fold-2 ..., whose test splits together hold each "
        "picture once; with --fold that one alone", within=(0, MOST_FOLDS),
    )  # fmt: skip
    fold: int = option(0, "which one of --folds to test, from 1 on, and train on the others", within=(0, MOST_FOLDS))
    full_train: bool = option(False, "train on train + validation and export the last epoch")
    cache: str = option("auto", "pack decodes once into a memory-mapped file, none decodes in every epoch",
                        choices=("auto", "pack", "none"), identity=False)  # fmt: skip
    on_bad_image: str = option("quarantine", "quarantine lists a bad file with its reason and goes on",
                               choices=("quarantine", "fail"), identity=False)  # fmt: skip
    max_bad_fraction: float = option(
        0.5, "stop where more of a class's files are bad than this fraction: where most of a class is bad, it is not "
        "the class that it was meant to be", within=(0.0, 1.0), identity=False,
    )  # fmt: skip

    @property
    def image_sides(self) -> tuple[int, int]:
        """`image_size` as height and width, in pixels."""
        return self.image_size[0], self.image_size[-1]

    @property
    def pack_sides(self) -> tuple[int, int]:
        """`pack_size` as height and width, in pixels."""
        size = self.pack_size or self.image_size
        return size[0], size[-1]

    @property
    def background_color(self) -> tuple[int, int, int] | None:
        """`background` as red, green and blue in [0, 255]; None where it is no color."""
        text = {"white": "#ffffff", "black": "#000000"}.get(self.background, self.background)
        return tuple(bytes.fromhex(text[1:])) if re.fullmatch("#[0-9a-fA-F]{6}", text) else None

    @property
    def fold_to_test(self) -> Fold | None:
        """That of a cross-validation, None without one; raises UserError where none is named."""
        self.check_names_fold()
        return Fold(self.fold, self.folds) if self.folds else None

    def check_names_fold(self) -> None:
        """Raises UserError where one fold is to be looked at, and none is named."""
        if self.folds and not self.fold:
            raise UserError(f"--folds={self.folds}: this looks at one of them: name it, from --fold=1 to {self.folds}")

    def __post_init__(self):
        object.__setattr__(self, "image_size", _size("image_size", self.image_size))
        if self.pack_size is not None:
            size = _size("pack_size", self.pack_size)
            object.__setattr__(self, "pack_size", size if any(size) else None)
        super().__post_init__()
        self._check_pack_size()
        if self.background_color is None:
            raise UserError(f"--background={self.background}: it must be {_COLOR}")
        self._check_folds()
        fractions = self.split_fractions
        if fractions is None:
            return
        whole = len(fractions) == 3 and all(0 <= part < 1 for part in fractions) and fractions[0] > 0
        if not whole or abs(sum(fractions) - 1) > 1e-6:
            shown = ",".join(f"{part:g}" for part in fractions)
            raise UserError(f"--split_fractions={shown}: it must be {_THREE_FRACTIONS}")

    def _check_folds(self):
        count, fold = self.folds, self.fold
        if 0 < count < LEAST_FOLDS:
            raise UserError(f"--folds={count}: it must be from {LEAST_FOLDS} on, or 0 for no cross-validation")
        if fold and not count:
            raise UserError(f"--fold={fold}: of how many? give --folds too, as --folds=5 --fold={fold}")
        if fold > count:
            raise UserError(f"--fold={fold}: there are --folds={count}, so that it must be from 1 to {count}")
        if count and self.split_fractions and self.split_fractions[-1]:
            shown = ",".join(f"{part:g}" for part in self.split_fractions)
            raise UserError(
                f"--split_fractions={shown}: with --folds={count} the test split is a fold, so that the third must be "
                "0; the others share the rest, as in 0.75,0.25,0"
            )

    def _check_pack_size(self):
        # Bilinear sampling, which cuts the crops, reads two pixels each way: of more for each one it would miss some.
        pairs = zip(self.pack_sides, self.image_sides, strict=True)
        if not all(side <= stored <= 2 * side for stored, side in pairs):
            raise UserError(
                f"--pack_size={shown_size(*self.pack_sides)} with --image_size={shown_size(*self.image_sides)}: each "
                "side must be as long as that of the picture, and no more than twice as long"
            )


def _size(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """A size as options hold it, so that equal ones compare equal: the side of a square alone."""
    sides = (value,) if isinstance(value, int) else tuple(value)
    if len(sides) not in (1, 2):
        raise UserError(f"--{name}={','.join(map(str, sides))}: it must be {_SIZE}")
    return sides[:1] if sides[0] == sides[-1] else sides
