"""Colours as people write them."""
from __future__ import annotations

from PIL import ImageColor


def colour_of(text: str) -> tuple[int, int, int] | None:
    """(red, green, blue) of a colour as CSS writes it, such as "white", "#20c040" or "rgb(32, 192, 64)", each in 0..255;
    None where it is none, or lies beyond."""
    try:
        colour = ImageColor.getrgb(text)
    except ValueError:
        return None
    if not all(0 <= channel <= 255 for channel in colour):  # Pillow takes rgb(300, 0, 0) and hsl(0, 100%, 200%) as they are
        return None
    return colour[:3]
