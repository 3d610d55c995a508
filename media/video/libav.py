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
# FFmpeg's bits of SwsFlags: bicubic, full chroma interpolation, full chroma input. Without the last two every chroma sample
# of 4:2:0 colours four pixels alike. With accurate rounding besides it reads 4:2:0 well, too; towards 4:2:0 of 8 bits that
# changes chroma by 1 at most and takes twice the time.
SCALING = 0x4 | 0x2000 | 0x4000
ACCURATE = 0x40000


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


def reformat(frame: av.VideoFrame, accurate: bool = True, **wanted: Any) -> av.VideoFrame:
    """``frame.reformat`` with good chroma, by one thread where PyAV lets choose."""
    if version() >= 17:
        wanted["threads"] = 1
    return frame.reformat(interpolation=SCALING | ACCURATE if accurate else SCALING, **wanted)


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
