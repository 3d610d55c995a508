"""Small sets of generated images in the folder layouts of the real data sets."""
from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from bgmatting.dataset.generate.clip import make_clip
from bgmatting.dataset.generate.scenes import make_background
from bgmatting.dataset.generate.subjects.subject import make_subject
from bgmatting.media import write_bytes, write_image
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WholeFolder

VERSION = 2  # of what is written; raise it when the same seed gives other images
MARKER = "sample_data.json"
SIZES = ((360, 480), (360, 640), (480, 360), (432, 576), (480, 640), (640, 480))
PEOPLE = ("person", "portrait", "portrait", "group")


def write_sample_data(root: str | Path, seed: int = 0, scale: float = 1.0, private: bool = False) -> dict[str, int]:
    """Write all sets below ``root``, or return at once where they are there already.

    Args:
        root: folder to make. It appears when everything is written.
        seed: int of 0 or more; the same one gives the same files.
        scale: multiplies the number of images of each set (at least one of each).
        private: also write ``private/{fgr,pha}``, animals and free forms.
    Returns dict of file counts by set, as it is kept in ``root``/sample_data.json.
    Raises UserError: ``root`` holds something else, or sets of another seed, scale or version.
    """
    root = Path(root)
    if not 0 < scale < math.inf or seed < 0:
        raise UserError(f"scale must be a number above 0 and seed 0 or more, not {scale} and {seed}.")
    wanted = {"version": VERSION, "seed": int(seed), "scale": float(scale), "private": bool(private)}
    if (root / MARKER).is_file():
        return existing(root, wanted)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"{root} exists and is no sample data; name another folder, or move it away.")
    with WholeFolder(root) as part:
        counts = {name: write_set(name, part, seed, scale) for name in SETS if private or name != "private"}
        write_bytes(part / MARKER, (json.dumps({**wanted, "counts": counts}, indent=2) + "\n").encode())
    return counts


def existing(root: Path, wanted: dict[str, object]) -> dict[str, int]:
    """The counts of finished sets in ``root``; raises UserError if they are not the ``wanted`` ones."""
    try:
        found = json.loads((root / MARKER).read_text())
        counts = found["counts"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{root / MARKER} is damaged; delete the folder {root} and run again.") from None
    for key, value in wanted.items():
        if found.get(key) != value:
            raise UserError(f"{root} holds sample data of {key} {found.get(key)}, asked for {value}; "
                            "delete it or name another folder.")
    return counts


def write_set(name: str, root: Path, seed: int, scale: float) -> int:
    """Write one of ``SETS`` to ``root``/``name``; returns how many frames, pairs, cut-outs or backgrounds it has."""
    stream, count, draw = SETS[name]
    total = 0
    for number in range(max(1, int(round(count * scale)))):
        rng = np.random.default_rng((seed, stream, number))
        for images in draw(rng, number, *SIZES[rng.integers(len(SIZES))]):
            total += 1
            for path, image in images.items():
                write_image(root / name / path, image)
    return total


def _clip(frames):
    def draw(rng, number, height, width):
        for frame, (pha, fgr) in enumerate(make_clip(rng, frames, height, width, _person(rng))):
            yield {f"{kind}/{number:04d}/{frame:04d}.jpg": image for kind, image in (("fgr", fgr), ("pha", pha))}
    return draw


def _still(rng, number, height, width):
    pha, fgr = make_subject(rng, height, width, "curtain")  # half see-through: the starter weights take it for solid
    yield {f"FG/person_{number:04d}.jpg": fgr, f"GT/person_{number:04d}.png": pha}


def _cutout(rng, number, height, width):
    pha, fgr = make_subject(rng, height, width, _person(rng))
    yield {f"{number:04d}.png": np.dstack((fgr, pha))}


def _background(rng, number, height, width):
    yield {f"group_{number // 30:02d}/{number:04d}.jpg": make_background(rng, height, width)}


def _curtain(rng, number, height, width):
    pha, fgr = make_subject(rng, height, width, "curtain")
    yield {f"fgr/{number:04d}.jpg": fgr, f"pha/{number:04d}.png": pha}


def _person(rng):
    return PEOPLE[rng.integers(len(PEOPLE))]


# {folder: (stream of random numbers, so that no image of one set can appear in another; draws at scale 1; what draws)}
SETS = {
    "VideoMatte240K_JPEG_SD/train": (101, 24, _clip(5)), "VideoMatte240K_JPEG_SD/test": (102, 6, _clip(2)),
    "Distinctions646_person/Train": (103, 60, _still), "Distinctions646_person/Test": (104, 11, _still),
    "PhotoMatte85": (105, 16, _cutout), "Backgrounds": (106, 90, _background), "private": (107, 12, _curtain),
}
