"""Light metadata of an HDR video: the screen it was made on (SMPTE ST 2086), and how bright it gets (CTA 861.3)."""
from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import av

CHANGING = {"DOVI": "Dolby Vision", "DYNAMIC_HDR_PLUS": "HDR10+", "DYNAMIC_HDR_VIVID": "HDR Vivid"}  # by FFmpeg's names
POINTS, LUMINANCE = 50000, 10000  # units of x and y, and of candela per square metre, in the words of an encoder of HEVC


class Light(NamedTuple):
    """mastering: x and y of red, green, blue and white, then the least and the greatest luminance (cd/m2), or None;
    content: the greatest luminance of a pixel and of a frame's mean (cd/m2), or None; changing: names of what it says anew
    for each scene, which no encoder here takes."""
    mastering: tuple | None = None
    content: tuple | None = None
    changing: tuple = ()


def light_of(frame: av.VideoFrame) -> Light:
    """The ``Light`` that the side data of a decoded ``av.VideoFrame`` state."""
    try:
        found = {str(data.type).rpartition(".")[2]: bytes(data) for data in frame.side_data}
    except (AttributeError, TypeError, ValueError):
        return Light()
    return Light(*(_said(parse, data) for parse, data in (
        (_mastering, next((found[name] for name in found if "MASTERING_DISPLAY" in name), b"")),
        (_content, next((found[name] for name in found if "CONTENT_LIGHT" in name), b"")))),
        tuple(name for part, name in CHANGING.items() if any(kind.startswith(part) for kind in found)))


def hevc_words(light: Light) -> list[str]:
    """A ``Light`` as parameters of x265: [] where nothing is said."""
    words = []
    if light.mastering is not None:
        red, green, blue, white = (tuple(round(value * POINTS) for value in light.mastering[at:at + 2])
                                   for at in range(0, 8, 2))
        least, most = (round(value * LUMINANCE) for value in light.mastering[8:])
        words.append("master-display=" + "".join(f"{name}({x},{y})" for name, (x, y) in
                                                 (("G", green), ("B", blue), ("R", red), ("WP", white)))
                     + f"L({most},{least})")
    if light.content is not None:
        words.append("max-cll={},{}".format(*light.content))
    return words


def _mastering(data):
    """FFmpeg's AVMasteringDisplayMetadata: ten ratios of int32, and whether points and luminance are there."""
    *ratios, has_points, has_luminance = struct.unpack("=22i", data[:88])
    if not (has_points and has_luminance):
        raise ValueError("half of it is missing")
    values = tuple(above / below for above, below in zip(ratios[::2], ratios[1::2]))
    if not (all(0 <= value <= 1 for value in values[:8]) and 0 <= values[8] < values[9] <= 10000):
        raise ValueError("no screen is so")
    return values


def _content(data):
    most, mean = struct.unpack("=2I", data[:8])
    if not 0 < max(most, mean) <= 65535:
        raise ValueError("nothing is so bright")
    return most, mean


def _said(parse, data):
    try:
        return parse(data)
    except (struct.error, ValueError, ZeroDivisionError):
        return None
