"""Which photo goes with which background, for two folders."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from bgmatting.utils.errors import UserError


def partners_by_name(photos: Collection[str], scenes: Collection[str]) -> dict[str, str]:
    """Return {name of a photo: that of its scene}: the same, or the same but for how the system writes accents."""
    composed = {}
    for name in scenes:
        composed.setdefault(unicodedata.normalize("NFC", name), []).append(name)
    partners = {name: name for name in photos if name in scenes}
    for name in set(photos) - partners.keys():
        alike = [other for other in composed.get(unicodedata.normalize("NFC", name), ()) if other not in photos]
        if len(alike) == 1:
            partners[name] = alike[0]
    return partners


def partners_in_order(src: Path, photos: Collection[str], partner: Path, scenes: Collection[str]) -> dict[str, str]:
    """Return partners in order, the first with the first; numbers in names count as numbers.

    Raises:
        UserError: there are not as many of each. ``src`` and ``partner`` are their folders, for the message.
    """
    if len(photos) != len(scenes):
        raise UserError(f"--pair order takes as many pictures of each: {src} has {len(photos)}, {partner} {len(scenes)}.")

    def place(name):
        return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
    return dict(zip(sorted(photos, key=place), sorted(scenes, key=place)))
