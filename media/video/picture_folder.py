"""A video as a folder of PNG pictures, with the time of each in a text file."""
import os
import struct
import zlib
from pathlib import Path

import cv2

from bgmatting.media.video.colour import UNKNOWN
from bgmatting.media.video.disk import disk_full
from bgmatting.utils.errors import UserError, no_space
from bgmatting.utils.files import WholeFolder

TIMES = "timestamps.txt"  # "timestamp format v2", as mkvmerge reads it: milliseconds, one line each
HEAD = 33  # bytes of a PNG before its first chunk behind IHDR


class PictureWriter:
    """Pictures 000000.png, 000001.png ... in a folder that is hidden until ``close``; the times are in timestamps.txt.

    Args:
        path: the folder. colour: a ``media.video.colour.Colour``, which pictures of 16 bits name in their chunk cICP.
        bits: 8 or 16 a channel.
    """

    needs_samples, warning = False, None

    def __init__(self, path, colour=None, bits=8):
        self.path, self.frames, self.bits, self._colour = Path(path), 0, bits, colour
        self._whole = WholeFolder(path, replace=True)
        self._folder = self._whole.part

    def write(self, image, pts, duration, sounds=()):
        """Append a picture; arguments and errors as ``VideoWriter.write``. Sound is passed over."""
        if image is None:
            return
        if image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
        data = cv2.imencode(".png", image)[1].tobytes()
        if self.bits == 16 and self._colour is not None:
            data = named_colours(data, self._colour)
        name = self._folder / f"{self.frames:06d}.png"
        try:
            name.write_bytes(data)
            with open(self._folder / TIMES, "a", encoding="ascii") as file:
                file.write(("" if self.frames else "# timestamp format v2\n") + f"{in_ms(pts)}\n")
        except OSError as error:
            name.unlink(missing_ok=True)
            if not no_space(error):
                raise
            raise disk_full(self.path) from None
        self.frames += 1

    def close(self):
        """Give the folder its name; an older one of that name goes. Without a picture there is no folder."""
        if not self.frames:
            return self.drop()
        if self.path.exists():
            check_replaceable(self.path)
        self._whole.keep()

    def drop(self):
        """Leave no folder."""
        self.frames = 0
        self._whole.drop()


def named_colours(png, colour):
    """The bytes of a PNG with its primaries and transfer in a chunk cICP (PNG, third edition); as they are where unknown."""
    if UNKNOWN in (colour.primaries, colour.transfer):
        return png
    chunk = b"cICP" + bytes((colour.primaries, colour.transfer, 0, 1))  # RGB has no matrix, and is of full range
    return png[:HEAD] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[HEAD:]


def in_ms(seconds):
    """Milliseconds of a Fraction of seconds as plain decimals, to a thousandth: "1502.04" or "3600000"."""
    text = f"{float(round(seconds * 1000000)) / 1000:.3f}"
    return text.rstrip("0").rstrip(".")


def check_replaceable(folder):
    """Raises UserError where ``folder`` holds what no ``PictureWriter`` wrote."""
    if not Path(folder).is_dir():
        raise UserError(f"{folder} is in the way of a folder of pictures. Move it or name another output.")
    strange = next((entry.name for entry in os.scandir(folder)
                    if entry.name != TIMES and not (entry.name.endswith(".png") and entry.name[:-4].isdigit())), None)
    if strange is not None:
        raise UserError(f"{folder} holds {strange} beside pictures of a video; it is not overwritten. Name another output.")
