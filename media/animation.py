"""Images that move: GIF, PNG (APNG), WebP, and sequences of AVIF and HEIC."""
from __future__ import annotations

import itertools
import os

from bgmatting.media.formats import chunks, gif_blocks, kind_of
from bgmatting.media.heif import sequence_length
from bgmatting.utils.errors import UserError

FILMS = ("GIF", "PNG")       # animations that media.video reads
HEAD = 64                    # bytes that tell the format
NAMES = {"PNG": "APNG", "HEIF": "HEIC", "WEBP": "WebP"}


def frames_of(kind: str, data: bytes) -> int:
    """How many images are shown one after the other by a file of ``kind`` (``media.formats.kind_of``): 1 for a photo."""
    if kind == "GIF":
        return max(sum(block == b"," for block in gif_blocks(data)), 1)
    if kind == "PNG":
        head = itertools.takewhile(lambda chunk: chunk[0] != b"IDAT", chunks(data))  # what comes later does not count
        return next((int.from_bytes(data[begin:begin + 4], "big") for name, begin, _ in head if name == b"acTL"), 1)
    if kind == "WEBP":
        return sum(name == b"ANMF" for name, _, _ in chunks(data)) or 1
    return max(sequence_length(data), 1) if kind in ("AVIF", "HEIF") else 1


def refuse_animation(path: str | os.PathLike, kind: str, data: bytes) -> None:
    """Raise UserError for a file that shows several images one after the other."""
    count = frames_of(kind, data)
    if count > 1:
        how = ("to matte it as a video, give it as --src" if kind in FILMS
               else "convert it to MP4 for a video, or save one image")
        raise UserError(f"{path} is an animation of {count} images ({NAMES.get(kind, kind)}), not a photo; {how}.")


def is_animation(path: str | os.PathLike) -> bool:
    """True for a GIF or PNG of several images, which are read as videos. False also where there is no such file, or none
    that can be read."""
    try:
        if not os.path.isfile(path):  # opening a pipe would wait for ever
            return False
        with open(path, "rb") as file:
            kind = kind_of(file.read(HEAD))
            return kind in FILMS and frames_of(kind, file.seek(0) or file.read()) > 1
    except Exception:  # whatever a decoder makes of it: what reads it will tell
        return False
