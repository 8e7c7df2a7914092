"""Letters that the plots' own font has, and those that it has not."""

import unicodedata

from matplotlib import font_manager

FONT = "DejaVu Sans"  # comes with matplotlib, so that a picture is the same on every machine
_RIGHT_TO_LEFT = ("R", "AL")  # what writes here knows neither that direction nor how such letters join


def drawable(text: str) -> str:
    """`text` in one line, with U+FFFD for each letter that the font would draw as an empty box, and warn of."""
    font = font_manager.get_font(font_manager.findfont(FONT))

    def has(letter: str) -> bool:
        right = unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT
        return letter.isprintable() and not right and bool(font.get_char_index(ord(letter)))

    return "".join(letter if has(letter) else "\ufffd" for letter in text)
