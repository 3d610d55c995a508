"""Small sets of generated pictures in the folder layouts of the real data sets."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bgmatting.dataset.generate.clip import make_clip
from bgmatting.dataset.generate.scenes import make_background
from bgmatting.dataset.generate.subjects.subject import make_subject
from bgmatting.media import write_bytes, write_image
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WholeFolder

VERSION = 1  # of what is written; raise it when the same seed gives other pictures
MARKER = "sample_data.json"
SIZES = ((360, 480), (360, 640), (480, 360), (432, 576), (480, 640), (640, 480))
# Streams of random numbers: one for each set, so that no picture of one can appear in another.
TRAIN_CLIPS, TEST_CLIPS, TRAIN_STILLS, TEST_STILLS, PHOTOS, BACKGROUNDS, PRIVATE = range(101, 108)
FRAMES_TRAIN, FRAMES_TEST = 5, 2
COUNTS = {TRAIN_CLIPS: 24, TEST_CLIPS: 6, TRAIN_STILLS: 60, TEST_STILLS: 11, PHOTOS: 16, BACKGROUNDS: 90, PRIVATE: 12}
PEOPLE = ("person", "portrait", "portrait", "group")


def write_sample_data(root: str | Path, seed: int = 0, scale: float = 1.0, private: bool = False) -> dict[str, int]:
    """Write all sets below ``root``, or return at once where they are there already.

    Args:
        root: folder to make. It appears when everything is written.
        seed: int of 0 or more; the same one gives the same files.
        scale: multiplies the number of pictures of each set (at least one of each).
        private: also write ``private/{fgr,pha}``, animals and free forms.
    Returns dict of file counts by set, as it is kept in ``root``/sample_data.json.
    Raises UserError: ``root`` holds something else, or sets of another seed, scale or version.
    """
    root = Path(root)
    if scale <= 0 or seed < 0:
        raise UserError(f"scale must be above 0 and seed 0 or more, not {scale} and {seed}.")
    wanted = {"version": VERSION, "seed": int(seed), "scale": float(scale), "private": bool(private)}
    if (root / MARKER).is_file():
        return existing(root, wanted)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"{root} exists and is no sample data; name another folder, or move it away.")
    with WholeFolder(root) as part:
        counts = write_sets(part, seed, scale, private)
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


def write_sets(root: Path, seed: int, scale: float, private: bool) -> dict[str, int]:
    """Write each set below ``root``; returns the number of files by set."""
    video, stills = root / "VideoMatte240K_JPEG_SD", root / "Distinctions646_person"
    counts = {
        "VideoMatte240K_JPEG_SD/train": write_clips(video / "train", TRAIN_CLIPS, FRAMES_TRAIN, seed, scale),
        "VideoMatte240K_JPEG_SD/test": write_clips(video / "test", TEST_CLIPS, FRAMES_TEST, seed, scale),
        "Distinctions646_person/Train": write_stills(stills / "Train", TRAIN_STILLS, seed, scale),
        "Distinctions646_person/Test": write_stills(stills / "Test", TEST_STILLS, seed, scale),
        "PhotoMatte85": write_cutouts(root / "PhotoMatte85", seed, scale),
        "Backgrounds": write_backgrounds(root / "Backgrounds", seed, scale),
    }
    if private:
        counts["private"] = write_private(root / "private", seed, scale)
    return counts


def draws(stream: int, seed: int, scale: float) -> Iterator[tuple[int, np.random.Generator, tuple[int, int]]]:
    """(number, rng, (height, width)) of each picture of one set."""
    for number in range(max(1, int(round(COUNTS[stream] * scale)))):
        rng = np.random.default_rng((seed, stream, number))
        yield number, rng, SIZES[rng.integers(len(SIZES))]


def write_clips(folder: Path, stream: int, frames: int, seed: int, scale: float) -> int:
    """fgr/CLIP/FRAME.jpg and pha/CLIP/FRAME.jpg; returns the number of frames."""
    total = 0
    for number, rng, (height, width) in draws(stream, seed, scale):
        for frame, (pha, fgr) in enumerate(make_clip(rng, frames, height, width, PEOPLE[rng.integers(len(PEOPLE))])):
            write_image(folder / "fgr" / f"{number:04d}" / f"{frame:04d}.jpg", fgr)
            write_image(folder / "pha" / f"{number:04d}" / f"{frame:04d}.jpg", pha)
            total += 1
    return total


def write_stills(folder: Path, stream: int, seed: int, scale: float) -> int:
    """FG/NAME.jpg and GT/NAME.png; returns the number of pictures."""
    total = 0
    for number, rng, (height, width) in draws(stream, seed, scale):
        pha, fgr = make_subject(rng, height, width, PEOPLE[rng.integers(len(PEOPLE))])
        write_image(folder / "FG" / f"person_{number:04d}.jpg", fgr)
        write_image(folder / "GT" / f"person_{number:04d}.png", pha)
        total += 1
    return total


def write_cutouts(folder: Path, seed: int, scale: float) -> int:
    """NAME.png with transparency; returns the number of pictures."""
    total = 0
    for number, rng, (height, width) in draws(PHOTOS, seed, scale):
        pha, fgr = make_subject(rng, height, width, PEOPLE[rng.integers(len(PEOPLE))])
        write_image(folder / f"{number:04d}.png", np.dstack((fgr, pha)))
        total += 1
    return total


def write_backgrounds(folder: Path, seed: int, scale: float) -> int:
    """GROUP/NAME.jpg; returns the number of pictures."""
    total = 0
    for number, rng, (height, width) in draws(BACKGROUNDS, seed, scale):
        write_image(folder / f"group_{number // 30:02d}" / f"{number:04d}.jpg", make_background(rng, height, width))
        total += 1
    return total


def write_private(folder: Path, seed: int, scale: float) -> int:
    """fgr/NAME.jpg and pha/NAME.png of animals and free forms; returns the number of pictures."""
    total = 0
    for number, rng, (height, width) in draws(PRIVATE, seed, scale):
        pha, fgr = make_subject(rng, height, width, ("animal", "free")[number % 2])
        write_image(folder / "fgr" / f"{number:04d}.jpg", fgr)
        write_image(folder / "pha" / f"{number:04d}.png", pha)
        total += 1
    return total
