"""How pictures are augmented: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses

from base.errors import UserError


@dataclasses.dataclass(frozen=True)
class AugmentOptions:
    """How far each knob may turn; zero turns it off.

    Attributes:
      rotate_degrees: angle drawn from +-this.
      shift_fraction: each axis is shifted by +-this, of the picture's side.
      shear_degrees: shear angle drawn from +-this.
      zoom_fraction: each axis is scaled by a factor from 1 -+ this.
      horizontal_flip: mirror left and right, half of the time.
      vertical_flip: mirror up and down, half of the time.
      brightness_fraction: add +-this, of the value range.
      contrast_fraction: multiply the distance from mid-grey by a factor from 1 -+ this.
    """

    rotate_degrees: float = 0.0
    shift_fraction: float = 0.0
    shear_degrees: float = 0.0
    zoom_fraction: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness_fraction: float = 0.0
    contrast_fraction: float = 0.0

    def __post_init__(self):
        limits = {"rotate_degrees": 180.0, "shear_degrees": 80.0, "zoom_fraction": 0.95}
        for field in dataclasses.fields(self):
            value, limit = getattr(self, field.name), limits.get(field.name, 1.0)
            if not 0 <= value <= limit:
                raise UserError(f"--{field.name}={value}: it must be from 0 to {limit:g}")

    @property
    def active(self) -> bool:
        """Whether any knob is turned."""
        return self != AugmentOptions()

    @property
    def recolors(self) -> bool:
        """Whether brightness or contrast changes."""
        return bool(self.brightness_fraction or self.contrast_fraction)


AUGMENT_PRESETS = {
    "none": AugmentOptions(),
    "light": AugmentOptions(rotate_degrees=10.0, shift_fraction=0.1, zoom_fraction=0.1),
    "report": AugmentOptions(20.0, 0.2, 0.1, 0.2, True),
    "strong": AugmentOptions(30.0, 0.2, 10.0, 0.3, True, False, 0.2, 0.2),
}
