"""The door to PyAV, and what differs between its versions."""
from __future__ import annotations

import ctypes
import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    import av

OLDEST = 14  # PyAV before it neither takes these flags nor knows BT.2020
# FFmpeg's bits of SwsFlags. Without full chroma interpolation and input every chroma sample of 4:2:0 colours four pixels
# alike. Without accurate rounding 4:2:0 is read 1 or 2 levels too dark; towards 4:2:0 of 8 bits it changes chroma by 1 at
# most and takes twice the time.
FULL_CHROMA = 0x2000 | 0x4000
ACCURATE = 0x40000
BILINEAR, BICUBIC = 0x2, 0x4

FINE = BICUBIC | FULL_CHROMA | ACCURATE
FROM_420 = BILINEAR | FULL_CHROMA | ACCURATE  # 0.02 to 0.2 levels (RMS) coarser than FINE, in little more than half its time
TO_420 = BICUBIC | FULL_CHROMA


def import_av() -> ModuleType:
    """The module ``av``. Raises UserError where it is not installed or too old."""
    try:
        import av
    except ImportError:
        raise UserError("videos are read and written by PyAV, which is not installed here: "
                        "pip install -U av") from None
    if version() < OLDEST:
        raise UserError(f"videos need PyAV {OLDEST} or newer, not {av.__version__}: pip install -U av")
    return av


def version() -> int:
    """The first number of PyAV's version."""
    import av
    found = re.match(r"\d+", str(av.__version__))
    return int(found.group()) if found else 0


def reformat(frame: av.VideoFrame, flags: int = FINE, **wanted: Any) -> av.VideoFrame:
    """``frame.reformat`` by ``flags``: FINE, FROM_420 or TO_420, by one thread where PyAV lets choose."""
    if version() >= 17:
        wanted["threads"] = 1
    return frame.reformat(interpolation=flags, **wanted)


def kept_layout(owner: av.AudioFrame | av.AudioCodecContext) -> av.AudioLayout:
    """The layout of an ``av.AudioFrame`` or audio codec context, which is never freed where it may hold a list of channels.

    PyAV (seen in 18.1) shares that list between layout and owner; both free it, which ends the process.
    """
    layout = owner.layout
    if " (" in layout.name or "ambisonic" in layout.name:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return layout


def end_of(error: BaseException) -> str:
    """The text of an FFmpeg error, for a person: "Invalid data found when processing input"."""
    return getattr(error, "strerror", None) or str(error)
