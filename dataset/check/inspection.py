"""Faults of one item of a set. Pixels come and go here; only a few numbers leave."""
from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from bgmatting.dataset.layouts.mattes import alpha_note
from bgmatting.dataset.layouts.sets import BackgroundSet, PairSet
from bgmatting.media import read_image
from bgmatting.media.exif import ORIENTATION
from bgmatting.media.formats import PILLOW_FORMATS
from bgmatting.media.tiff import BITS
from bgmatting.utils.errors import UserError
from bgmatting.utils.library_output import own_stderr

CHUNK = 16           # neighbours go to one worker, so that the frames of a video are decoded in turn
CHUNKS_IN_FLIGHT = 3  # per worker

ERROR, WARNING = "error", "warning"
SOFT = (13, 242)        # an alpha in this range is neither there nor not; compression blurs 0 and 255 that far
BINARY = 0.1            # a matte has a soft pixel or more for each pixel of its outline; below this share it is a mask
BORDER = 1 / 16         # width of the border, of the shorter side
INVERTED = (0.75, 0.25)  # border more opaque and centre less opaque than this: subjects stand the other way round


class Finding(NamedTuple):
    """Something to look at: level ERROR or WARNING, kind in a word or two, and a line naming the file."""
    level: str
    kind: str
    text: str


class Facts(NamedTuple):
    """Facts kept of an item: its place in the set, size in pixels (None: unusable), digest of its image (None:
    nothing to compare), and findings."""
    index: int
    size: tuple[int, int] | None
    digest: bytes | None
    findings: tuple[Finding, ...]


def inspect_pair(index: int, read: Callable, files: tuple) -> Facts:
    """Facts of a foreground and alpha: ``files`` are the arguments of ``read``, as in ``PairSet``."""
    findings = [finding for file in files if isinstance(file, str) for finding in header_findings(file)]
    try:
        fgr, pha = read(*files)
    except UserError as error:
        return Facts(index, None, None, (*findings, Finding(ERROR, "unusable", str(error))))
    pha_file = files[min(1, len(files) - 1)]
    note = alpha_note(pha_file) if len(files) == 2 else None
    if note is not None:
        findings.append(Finding(WARNING, "alpha channel", f"{pha_file}: {note}."))
    findings += alpha_findings(pha, f"{pha_file} frame {files[2]}" if len(files) > 2 else pha_file)
    return Facts(index, pha.shape, None if is_empty(pha) else _digest(fgr), tuple(findings))


def inspect_background(index: int, file: str) -> Facts:
    """Facts of a background."""
    findings = header_findings(file)
    try:
        bgr = read_image(file)
    except UserError as error:
        return Facts(index, None, None, (*findings, Finding(ERROR, "unusable", str(error))))
    return Facts(index, bgr.shape[:2], _digest(bgr), tuple(findings))


def header_findings(file: str) -> list[Finding]:
    """Warnings about how an image is stored: 16 bit, CMYK, turned by EXIF, a JPEG damaged inside. Other files have none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images, which phones make
            with Image.open(file, formats=PILLOW_FORMATS) as picture:
                mode, bits, turned, kind = picture.mode, _bits(file, picture), _turned(picture), picture.format
    except Exception:  # whatever Pillow makes of what is no image, or damaged: reading it tells
        return []
    damage = []
    if kind in ("JPEG", "MPO"):  # a JPEG that is read all the same is decoded once more, small
        with contextlib.suppress(UserError):  # told by whoever reads it
            read_image(file, 1, damage)
    findings = [Finding(WARNING, "damaged", f"{file}: {note}") for note in damage]
    if bits > 8:
        findings.append(Finding(WARNING, "16 bit", f"{file} has {bits} bits a channel; 8 of them are used."))
    if mode == "CMYK":
        findings.append(Finding(WARNING, "CMYK", f"{file} is in CMYK colours; save it as RGB to be sure of them."))
    if turned:
        findings.append(Finding(WARNING, "turned by EXIF", f"{file} is stored lying and turned upright by its EXIF "
                                                           f"record; make sure that its partner is turned as well."))
    return findings


def alpha_findings(pha: np.ndarray, file: str) -> list[Finding]:
    """Warnings about an alpha uint8 (H, W) that is no matte, as far as can be told without seeing the subject."""
    if is_empty(pha):
        return [Finding(WARNING, "empty alpha", f"{file} is transparent all over.")]
    if pha.min() > SOFT[1]:
        return [Finding(WARNING, "full alpha", f"{file} is opaque all over.")]
    findings = []
    if is_binary(pha):
        findings.append(Finding(WARNING, "binary alpha", f"{file} is a mask of 0 and 255 without soft edges."))
    if looks_inverted(pha):
        findings.append(Finding(WARNING, "inverted alpha", f"{file} is opaque at its border and transparent in its "
                                                           f"centre; 255 must mean subject. (A guess: have a look.)"))
    return findings


def is_empty(pha: np.ndarray) -> bool:
    """True where uint8 ``pha`` shows nothing; compression may leave it a little above 0."""
    return pha.max() < SOFT[0]


def is_binary(pha: np.ndarray) -> bool:
    """True where the outline of uint8 ``pha`` has hardly a soft pixel."""
    inside = pha > 127
    outline = np.count_nonzero(inside[1:] != inside[:-1]) + np.count_nonzero(inside[:, 1:] != inside[:, :-1])
    soft = cv2.countNonZero(cv2.inRange(pha, *SOFT))
    return soft < BINARY * outline


def looks_inverted(pha: np.ndarray) -> bool:
    """True where uint8 ``pha`` is mostly opaque along the border and mostly transparent in the middle third."""
    height, width = pha.shape
    rim = max(1, round(min(height, width) * BORDER))
    total, inner = int(pha.sum(dtype=np.int64)), pha[rim:height - rim, rim:width - rim]
    border = (total - int(inner.sum(dtype=np.int64))) / max(1, pha.size - inner.size) / 255
    centre = pha[height // 3:height - height // 3, width // 3:width - width // 3].mean() / 255
    return border > INVERTED[0] and centre < INVERTED[1]


def _bits(file, picture):
    if picture.format == "PNG":
        with open(file, "rb") as head:
            return head.read(25)[24]  # the bit depth of the first chunk; Pillow does not tell it for colour
    return max(picture.tag_v2.get(BITS, (8,))) if picture.format == "TIFF" else 8


def _turned(picture):
    # A PNG is decoded whole to look for EXIF, and hardly ever has any.
    return picture.format in ("JPEG", "MPO", "TIFF", "WEBP") and picture.getexif().get(ORIENTATION, 1) != 1


def _digest(image):
    found = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    found.update(np.ascontiguousarray(image))  # as it lies: large photos would be copied twice otherwise
    return found.digest()


def inspect_set(items: PairSet | BackgroundSet, workers: int) -> Iterator[Facts]:
    """Yield the ``Facts`` of each item, in the order of the set.

    ``workers``: processes; 0 does it in this one.
    Raises UserError: a worker was killed, most likely for want of memory.
    """
    if workers == 0:
        yield from (task() for task in _tasks(items))
        return
    tasks, flying = _tasks(items), deque()
    # Spawned, not forked: OpenCV's threads, started here by whoever read an image before, do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start_worker) as pool:
        try:
            while True:
                for chunk in iter(lambda: list(islice(tasks, CHUNK)), []):
                    flying.append(pool.submit(_inspect_chunk, chunk))
                    if len(flying) >= CHUNKS_IN_FLIGHT * workers:
                        break
                if not flying:
                    return
                yield from flying.popleft().result()
        except BrokenProcessPool:
            raise UserError("a worker process was killed, most likely for want of memory. Use fewer "
                            "--workers.") from None
        finally:
            for chunk in flying:
                chunk.cancel()


def _tasks(items):
    """A call for each item, small enough to be sent to a worker."""
    if hasattr(items, "read"):
        return (partial(inspect_pair, index, items.read, files) for index, files in enumerate(items.files))
    return (partial(inspect_background, index, items.path(index)) for index in range(len(items)))


def _inspect_chunk(tasks):
    return [task() for task in tasks]


def _start_worker():
    cv2.setNumThreads(1)  # the processes are the parallelism
    sys.stderr = own_stderr()
