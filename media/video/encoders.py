"""Which encoder makes a kind of video, from which format of pixels, and how it is set."""
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bgmatting.media.video.libav import import_av
from bgmatting.media.video.light import hevc_words
from bgmatting.utils.machine import usable_cores

if TYPE_CHECKING:
    from bgmatting.media.video.reader import Info

X265 = "libx265"
X265_LEAST = 16  # pixels of a side


class Encoding(NamedTuple):
    """codec: FFmpeg's name of the encoder; pixels: the format that it takes; options of it; bits of a colour in it."""
    codec: str
    pixels: str
    options: dict
    bits: int = 8


def encoding(muxer: str, info: Info, alpha: bool, gray: bool) -> Encoding:
    """The ``Encoding`` for "mp4", "mov" or "webm"; args as ``media.video.writer.open_writer``.

    A source of more than 8 bits is written with 10 where an encoder of this FFmpeg takes them: as HEVC, which players of
    such videos know, else as H.264 of that depth. ProRes has 10 bits in any case.
    """
    deep, even = info.depth > 8, info.width % 2 == 0 and info.height % 2 == 0
    crf = "10" if gray else "18"
    if muxer == "mov":
        return Encoding(_prores(even), "yuva444p10le" if alpha else "yuv444p10le", {}, 10 if deep else 8)
    if muxer == "webm":
        options = {"deadline": "realtime", "cpu-used": "7", "crf": crf, "b": "0", "row-mt": "1", "auto-alt-ref": "0",
                   "lag-in-frames": "0"}
        if deep and not alpha and _takes("libvpx-vp9", "yuv420p10le"):
            return Encoding("libvpx-vp9", "yuv420p10le", options, 10)
        return Encoding("libvpx-vp9", "yuva420p" if alpha else "yuv420p", options)
    # No B frames: packets in the order of their times keep variable frame rates exact in every version.
    pixels, options = "yuv420p" if even else "yuv444p", {"preset": "superfast", "crf": crf}
    if deep and min(info.width, info.height) >= X265_LEAST and _takes(X265, f"{pixels}10le"):
        words = [f"pools={encoder_threads()}", "frame-threads=1", "bframes=0", "rc-lookahead=5", "log-level=none"]
        words += [] if gray else hevc_words(info.light)
        return Encoding(X265, f"{pixels}10le", {**options, "x265-params": ":".join(words)}, 10)
    deep = deep and _takes("libx264", f"{pixels}10le")
    return Encoding("libx264", f"{pixels}10le" if deep else pixels, {**options, "bf": "0"}, 10 if deep else 8)


def encoder_threads() -> int:
    """Threads of an encoder: a quarter of the cores, for the network takes them all; more hold more frames, too."""
    return max(1, min(8, usable_cores() // 4))


def _takes(codec, pixels):
    """Whether this FFmpeg has an encoder that takes a format of pixels."""
    try:
        return any(format.name == pixels for format in import_av().codec.Codec(codec, "w").video_formats or ())
    except ValueError:
        return False


def _prores(even):
    """The faster encoder of ProRes, prores_aw, which does even sizes only.

    A frame of 1920x1080 with alpha took it 60 ms of one core, and prores_ks 220 ms.
    """
    av = import_av()
    for name in ("prores_aw", "prores_ks") if even else ("prores_ks",):
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise ValueError("no encoder of ProRes")
