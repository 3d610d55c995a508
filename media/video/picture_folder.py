"""A video as a folder of PNG or OpenEXR images, with the time of each in a text file."""
from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bgmatting.media.exr_dpx import Facts, import_oiio, write_exr
from bgmatting.media.video.colour import UNKNOWN
from bgmatting.media.video.disk import disk_full
from bgmatting.utils.errors import UserError, no_space
from bgmatting.utils.files import WholeFolder

if TYPE_CHECKING:
    from bgmatting.media.video.reader import Info

TIMES = "timestamps.txt"  # "timestamp format v2", as mkvmerge reads it: milliseconds, one line each
HEAD = 33  # bytes of a PNG before its first chunk behind IHDR


class PictureWriter:
    """Images 000000.png, 000001.png ... in a folder that is hidden until ``close``; the times are in timestamps.txt.

    Args:
        path: the folder. info: ``media.video.reader.Info`` of the source: images of 16 bits name its colour in their chunk
            cICP, all the shape of pixels that are not square in pHYs; those of a sequence have its numbers.
    """

    needs_samples, warning, suffix = False, None, ".png"

    def __init__(self, path: str | os.PathLike, info: Info):
        self.path, self.frames, self.bits, self._info = Path(path), 0, 16 if info.depth > 8 else 8, info
        self._whole = WholeFolder(path, replace=True)
        self._folder = self._whole.part

    def write(self, image: np.ndarray | None, pts: Fraction, duration: Fraction, sounds: Sequence = ()) -> None:
        """Append an image; arguments and errors as ``VideoWriter.write``. Sound is passed over."""
        if image is None:
            return
        number = self.frames if self._info.first is None else self._info.first + round(pts * self._info.rate)
        name = self._folder / f"{number:06d}{self.suffix}"
        try:
            self._write(name, image)
            with open(self._folder / TIMES, "a", encoding="ascii") as file:
                file.write(("" if self.frames else "# timestamp format v2\n") + f"{in_ms(pts)}\n")
        except (OSError, UserError) as error:
            name.unlink(missing_ok=True)
            if not no_space(error):
                raise
            raise disk_full(self.path) from None
        self.frames += 1

    def _write(self, path, image):
        if image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
        data = cv2.imencode(".png", image)[1].tobytes()
        path.write_bytes(data[:HEAD] + facts_of(self._info, self.bits == 16) + data[HEAD:])

    def close(self) -> None:
        """Give the folder its name; an older one of that name goes. Without an image there is no folder."""
        if not self.frames:
            return self.drop()
        if self.path.exists():
            check_replaceable(self.path)
        self._whole.keep()

    def drop(self) -> None:
        """Leave no folder."""
        self.frames = 0
        self._whole.drop()


class PlateWriter(PictureWriter):
    """As ``PictureWriter``, but 000000.exr ...: ``write`` takes float32, as ``media.exr_dpx.write_exr``."""

    suffix = ".exr"

    def __init__(self, path: str | os.PathLike, info: Info):
        import_oiio()
        super().__init__(path, info)
        self.bits = 32
        self._facts = Facts(info.width, info.height, info.aspect, info.rate, chromaticities=info.chromaticities)

    def _write(self, path, image):
        write_exr(path, image, self._facts)


def facts_of(info: Info, coloured: bool) -> bytes:
    """Chunks of a PNG: where ``coloured``, the primaries and transfer in cICP (PNG, third edition), unless unknown; the
    shape of pixels that are not square in pHYs."""
    chunks, (colour, aspect) = [], (info.colour, info.aspect.limit_denominator(10000))
    if coloured and UNKNOWN not in (colour.primaries, colour.transfer):
        chunks.append(b"cICP" + bytes((colour.primaries, colour.transfer, 0, 1)))  # RGB has no matrix, and is of full range
    if aspect not in (0, 1):
        chunks.append(b"pHYs" + struct.pack(">IIB", aspect.denominator, aspect.numerator, 0))  # so many to a length, x and y
    return b"".join(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)


def in_ms(seconds: Fraction) -> str:
    """Milliseconds of a Fraction of seconds as plain decimals, to a thousandth: "1502.04" or "3600000"."""
    text = f"{float(round(seconds * 1000000)) / 1000:.3f}"
    return text.rstrip("0").rstrip(".")


def check_replaceable(folder: str | os.PathLike) -> None:
    """Raises UserError where ``folder`` holds what no ``PictureWriter`` wrote."""
    if not Path(folder).is_dir():
        raise UserError(f"{folder} is in the way of a folder of images. Move it or name another output.")
    strange = next((entry.name for entry in os.scandir(folder) if entry.name != TIMES
                    and not (entry.name.endswith((".png", ".exr")) and entry.name[:-4].isdigit())), None)
    if strange is not None:
        raise UserError(f"{folder} holds {strange} beside images of a video; it is not overwritten. Name another output.")
