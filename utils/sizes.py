"""Sizes of images as command lines say them."""
from __future__ import annotations

import re

from bgmatting.utils.errors import UserError

PORTRAIT = re.compile(r"w(\d+)h(\d+)", re.ASCII)


def parse_size(text: str, names: dict | None = None) -> tuple[int, int] | None:
    """A size as (height, width).

    Args:
        text: "1920x1080" (width x height, as everybody says it), "w1080h1920" (the same with the sides named), "512" (a
            square), or one of ``names``. Case does not matter.
        names: {word: (height, width) or None}.

    Raises:
        UserError: it is none of these, or a side is 0.
    """
    names, word = names or {}, text.lower()
    if word in names:
        return names[word]
    named = PORTRAIT.fullmatch(word)
    sides = named.groups() if named else word.split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise UserError(f"cannot read the size '{text}'; use {', '.join(('512', '1920x1080 (width x height)', *names))}.")
    width, height = int(sides[0]), int(sides[-1])
    if not (width and height):
        raise UserError(f"the size is {width}x{height}; use 1 or more.")
    return height, width


def parse_landscape(text: str, names: dict | None = None) -> tuple[int, int] | None:
    """``parse_size`` for a flag that once took height x width: where the first side is the smaller one and the sides are
    not named, as in "1080x1920", what is meant cannot be told, and is a UserError with both ways to say it."""
    size = parse_size(text, names)
    if size is not None and size[1] < size[0] and not PORTRAIT.fullmatch(text.lower()):
        height, width = size
        raise UserError(f"the size {text} is taller than wide, and sizes are width x height: write {height}x{width} for a "
                        f"wide image, w{width}h{height} for a tall one.")
    return size
