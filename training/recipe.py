"""What a step does that a user may choose, besides its model and its optimizer."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All off by default.

    Attributes:
      clip_norm: that of `gradients.clip`; 0 for none.
    """

    clip_norm: float = 0.0


PLAIN = Recipe()
