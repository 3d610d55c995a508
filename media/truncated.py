"""Images without their end mark: whole ones are read all the same, others are refused; and JPEGs damaged inside."""
from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from bgmatting.media.formats import FRAMES, JPEG, SCAN, cut_short, jpeg_segments, lacks_end, scan_start

END, PROGRESSIVE = b"\xff\xd9", 0xC2
MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
COEFFICIENTS = 64
DAMAGE = "Corrupt JPEG data:"
FILLING = re.compile(r"\d{1,2} extraneous bytes before marker 0xd9")  # which some cameras write
PART = 512  # bytes of filling before each restart mark


def ended(path: str | os.PathLike, data: bytes, notes: list[str] | None = None) -> bytes:
    """``data``, the content of an image file; with its end mark where a whole JPEG lacks it, and a note added to
    ``notes``. Raises UserError: the image's lower part is missing."""
    if not lacks_end(data):
        return data
    if not data.startswith(JPEG) or scan_start(data) + 2 >= len(data) or not _holds_all(data):
        raise cut_short(path)
    if notes is not None:
        notes.append("its end mark is missing, but the image is whole.")
    return data + END


def damage_told(lines: Iterable[str]) -> list[str]:
    """Notes, at most one, on what libjpeg says of a JPEG that it decodes all the same, guessing what is damaged."""
    told = [line[len(DAMAGE):].strip() for line in lines if line.startswith(DAMAGE)]
    told = [line for line in told if not FILLING.fullmatch(line)]
    return [f"its data are damaged ({told[0]}), and parts of it may be wrong: look at it."] if told else []


def _holds_all(data):
    """Whether a JPEG's pixels do not depend on what follows its bytes, so that none of them is missing."""
    if any(marker == PROGRESSIVE for marker, _, _ in jpeg_segments(data)) and not _has_all_scans(data):
        return False
    noise = np.random.default_rng(0).integers(0, 255, PART, np.uint8).tobytes()  # no 255, which would begin a mark
    filling = b"".join(noise + bytes((0xFF, 0xD0 + number)) for number in range(8)) * 2
    found = [np.asarray(JpegImageFile(io.BytesIO(content))) for content in (data + END, data + filling + END)]
    return np.array_equal(*found)


def _has_all_scans(data):
    """Whether the scans of a progressive JPEG give all coefficients to the last bit."""
    shifts = {data[begin + 6 + 3 * number]: [None] * COEFFICIENTS for marker, begin, _ in jpeg_segments(data)
              if marker in FRAMES for number in range(data[begin + 5])}
    at = scan_start(data)
    while at + 4 <= len(data):
        end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        if data[at + 1] == SCAN and end <= len(data):
            first, last, precision = data[end - 3:end]
            for number in range(data[at + 4]):
                row = shifts.get(data[at + 5 + 2 * number])
                if row is not None:
                    row[first:last + 1] = [precision & 15] * (last + 1 - first)
        following = MARKER.search(data, end)
        if following is None:
            break
        at = following.start()
    return all(shift == 0 for row in shifts.values() for shift in row)
