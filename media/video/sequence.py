"""Videos that are no video files, read as ``VideoReader`` reads: numbered images, and raw frames out of a pipe."""
from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from bgmatting.media.exr_dpx import SUFFIXES, Facts, is_plate, read_plate
from bgmatting.media.files import PHOTO_SUFFIXES
from bgmatting.media.formats import kind_of
from bgmatting.media.photo import read_deep_photo, read_photo
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.video.colour import BT709, LIMITED, Colour
from bgmatting.media.video.opening import check_size, is_url
from bgmatting.media.video.reader import Frame, Info, Reading
from bgmatting.utils.errors import UserError, quote

PLACE = re.compile(r"#+|%(?:0?(\d{1,2}))?d")   # where the number stands in a name
SRGB = Colour(LIMITED, BT709, 1, 13)
RATE = Fraction(24)                            # frames a second, where nobody says
MOST = 10_000                                  # missing numbers in a row that are told


class Numbered(NamedTuple):
    """A sequence's files {number: path}, in order, and the pattern that names them."""
    pattern: str
    files: dict[int, Path]


def is_sequence(path: str | os.PathLike) -> bool:
    """Whether a path names numbered images, as frame_####.png or frame_%04d.png, or is one OpenEXR or DPX file. A file of
    just that name is what it is."""
    text = os.fspath(path)
    if is_url(text):
        return False
    if os.path.isfile(text):
        return is_plate(text) and _is_unknown(text)
    name = os.path.basename(text)
    return name.lower().endswith((*PHOTO_SUFFIXES, *SUFFIXES)) and (is_plate(text) or PLACE.search(name) is not None)


def _is_unknown(path):
    """Whether a file's first bytes are of no other kind, under whose rules it would stand."""
    try:
        with open(path, "rb") as file:
            return kind_of(file.read(64)) is None
    except OSError:
        return True  # whoever reads it will tell


def name_of(path: str | os.PathLike) -> str:
    """What results of a sequence are called after: its name without number and suffix, else its folder's."""
    path = Path(path)
    name = PLACE.sub("", path.stem).strip("._- ")
    return name or PLACE.sub("", path.absolute().parent.name).strip("._- ") or "video"


def numbered(pattern: str | os.PathLike) -> Numbered:
    """The ``Numbered`` files of a pattern; of a file's own path that alone.

    As many # as digits, more where the number has more; %04d counts alike, %d is a number of any length.

    Raises:
        UserError: the folder cannot be listed, no file fits, two have one number, or the number stands in two places.
    """
    pattern = os.fspath(pattern)
    folder, name = os.path.split(pattern)
    places = list(PLACE.finditer(name))
    if os.path.isfile(pattern) or not places:
        return Numbered(pattern, {0: Path(pattern)})
    if len(places) > 1:
        raise UserError(f"{pattern} has the number in {len(places)} places; name one, as in frame_####.png.")
    place = places[0]
    digits = len(place[0]) if place[0].startswith("#") else int(place[1] or 1)
    fits = re.compile(re.escape(name[:place.start()]) + f"(\\d{{{max(digits, 1)},18}})" + re.escape(name[place.end():]))
    try:
        names = os.listdir(folder or ".")
    except OSError as error:
        raise UserError(f"cannot list {folder or '.'}: {error.strerror}.") from None
    files: dict[int, Path] = {}
    for found in filter(None, map(fits.fullmatch, sorted(names))):
        if len(found[1]) > digits and found[1].startswith("0"):
            continue  # padded to another width: of another sequence
        number = int(found[1])
        if number in files:
            raise UserError(f"{files[number]} and {found[0]} have one number.")
        files[number] = Path(folder, found[0])
    if not files:
        like = re.compile(re.escape(name[:place.start()]) + r"(\d+)" + re.escape(name[place.end():]))
        near = next(filter(None, map(like.fullmatch, sorted(names))), None)
        raise UserError(f"no file matches {pattern}. " + (
            "Check the folder, the number of digits and the suffix." if near is None else
            f"{near[0]} has {len(near[1])} digits: name {name[:place.start()]}{'#' * len(near[1])}{name[place.end():]}."))
    return Numbered(pattern, dict(sorted(files.items())))


def ranges(numbers: list[int]) -> str:
    """Rising numbers in words: "3, 5-9"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return quote([str(first) if first == last else f"{first}-{last}" for first, last in parts])


class SequenceReader(Reading):
    """Numbered images as a video; see ``VideoReader`` for what it has and does.

    A missing number, or an image that cannot be read, is left out: the image before it lasts longer, and ``note`` tells.

    Args:
        source: pattern, or path of one file. rate: frames a second; None: as the first file says, else ``usual``.
        premultiplied: as ``media.exr_dpx.read_plate``.

    Raises:
        UserError: see ``numbered``; the first image cannot be read.
    """

    def __init__(self, source: str | os.PathLike, rate: Fraction | None = None, premultiplied: bool = False,
                 usual: Fraction = RATE):
        self.source, self._files, self._premultiplied = source, numbered(source).files, premultiplied
        numbers = list(self._files)
        self._first, self._last, self._unread, self._kept = numbers[0], numbers[-1], [], None
        self._notes: list[str] = []
        self._kept = image, facts = self._decoded(self._files[self._first])
        self._size = image.shape[:2]
        check_size(self._files[self._first], self._size[1], self._size[0])
        self._rate = rate or facts.rate or usual
        count = self._last - self._first + 1
        self.info = Info(self._size[1], self._size[0], self._rate, 1 / self._rate, SRGB, count / self._rate, len(numbers),
                         False, facts.aspect, facts.depth, first=self._first, chromaticities=facts.chromaticities)

    @property
    def note(self) -> str | None:
        """A line about numbers without a readable image, and remarks on the first file."""
        there = sorted(set(self._files) - set(self._unread))
        gaps = [number for before, after in zip(there, there[1:]) for number in range(before + 1, min(after, before + MOST))]
        lines = [f"{self.source} lacks {ranges(gaps)}; the image before lasts longer."] if gaps else []
        lines += [f"{self._files[number]} and what else cannot be read is left out." for number in self._unread[:1]]
        return " ".join(lines + self._notes) or None

    def items(self) -> Iterator[Frame]:
        """The frames, once; ``deep`` of plates is float32, on the curve of sRGB."""
        for found, pts, duration in self.timed():
            yield Frame(self.image(found), pts, duration, [], found if self._deep and found.dtype != np.uint8 else None)

    def timed(self) -> Iterator[tuple[np.ndarray, Fraction, Fraction]]:
        """(decoded image, pts, duration) of the images that can be read."""
        before = None
        for number, path in self._files.items():
            try:
                image = self._decoded(path)[0]
                if image.shape[:2] != self._size:
                    raise UserError(f"{path} has another size than the first of {self.source}.")
            except UserError:
                self._unread.append(number)
                self.damaged += 1
                continue
            if before is not None:
                yield before[1], (before[0] - self._first) / self._rate, (number - before[0]) / self._rate
            before = number, image
        if before is not None:
            yield before[1], (before[0] - self._first) / self._rate, (self._last + 1 - before[0]) / self._rate

    def image(self, found: np.ndarray) -> np.ndarray:
        """uint8 RGB (H, W, 3) of what ``timed`` gave."""
        return to_8_bits(found) if found.dtype != np.float32 else np.rint(np.clip(found, 0, 1) * 255).astype(np.uint8)

    def images(self, found: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(``image``, the same in uint16 where that is wanted and there is more to it, else None)."""
        deep = found if self._deep and found.dtype != np.uint8 else None
        if deep is not None and deep.dtype == np.float32:
            deep = np.rint(np.clip(deep, 0, 1) * 65535).astype(np.uint16)
        return self.image(found), deep

    def count(self) -> int:
        """The number of files."""
        return len(self._files)

    def _decoded(self, path):
        """(uint8 or uint16 RGB, of a plate float32, its ``Facts``)."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        if is_plate(path):
            return read_plate(path, self._premultiplied)
        notes: list[str] = []
        image = read_deep_photo(path, notes)
        self._notes = self._notes or notes[:1]
        return image, Facts(image.shape[1], image.shape[0], depth=8 if image.dtype == np.uint8 else 16)


def read_still(path: str | os.PathLike, notes: list[str] | None = None, premultiplied: bool = False) -> np.ndarray:
    """One photo or plate as uint8 sRGB (H, W, 3). premultiplied: of plates; it and errors as ``media.read_photo`` and
    ``media.exr_dpx.read_plate``."""
    if is_sequence(path):
        return next(iter(SequenceReader(path, premultiplied=premultiplied))).image
    return read_photo(path, notes)


class RawReader(Reading):
    """Frames of three bytes a pixel, RGB, one behind the other, as FFmpeg writes them (-f rawvideo -pix_fmt rgb24). size:
    (width, height); rate: frames a second, by default ``RATE``; name: of the source, for messages. Raises UserError: the
    stream ends before the first frame, or it is larger than videos may be."""

    def __init__(self, stream: BinaryIO, size: tuple[int, int], rate: Fraction | None = None, name: str = "-"):
        self.source, (width, height) = name, size
        check_size(name, width, height)
        self._stream, self._shape, self._rate = stream, (height, width, 3), rate or RATE
        self._next = self._read()
        if self._next is None:
            raise UserError(f"{name} ends before its first frame of {width}x{height} ({width * height * 3} bytes). Check "
                            f"--size and what writes the frames.")
        self.info = Info(width, height, self._rate, 1 / self._rate, SRGB, None, None, False, Fraction(1))

    def items(self) -> Iterator[Frame]:
        """The frames, once."""
        index = 0
        while self._next is not None:
            image, self._next = self._next, None
            yield Frame(image, index / self._rate, 1 / self._rate, [])
            self._next, index = self._read(), index + 1

    def _read(self):
        wanted, parts = self._shape[0] * self._shape[1] * 3, []
        while wanted:
            part = self._stream.read(wanted)
            if not part:
                break
            parts.append(part)
            wanted -= len(part)
        if wanted and parts:
            self.note = f"{self.source} ends within a frame, which is left out: is --size right?"
        return None if wanted else np.frombuffer(b"".join(parts), np.uint8).reshape(self._shape)
