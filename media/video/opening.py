"""Opening what may be a video, and saying what is wrong where it is none."""
from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from bgmatting.media.video.libav import end_of, version
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import why_missing
from bgmatting.utils.machine import usable_cores

if TYPE_CHECKING:
    import av

LIVE_SCHEMES = ("rtsp://", "rtsps://", "rtmp://", "rtmps://", "udp://", "rtp://", "tcp://", "srt://")
URL_SCHEMES = ("http://", "https://", *LIVE_SCHEMES)  # whatever else has a colon in it is a path
MAX_PIXELS = 8192 * 4352  # the largest image of H.264 (level 6.2), 8K included
PICTURES = ("image2", "tty", "lrc")  # what FFmpeg opens as a video although it is none
# What names other files or addresses to open: a file of such a kind is none of its sender's images.
NAMING = ("hls", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "vobsub", "webm_dash_manifest", "lavfi", "hds",
          "smoothstreaming", "msnwctcp")
PATIENCE = 15  # seconds without a word from a network address


def is_url(text: str | os.PathLike) -> bool:
    """True for an address that FFmpeg reads through the network."""
    return str(text).lower().startswith(URL_SCHEMES)


def is_live(text: str | os.PathLike) -> bool:
    """True for an address that is not read twice."""
    return str(text).lower().startswith(LIVE_SCHEMES)


def open_container(av: ModuleType, source: str | os.PathLike) -> av.container.InputContainer:
    """The ``av`` container of a path or address. Raises UserError: missing, not to be read, no video."""
    # Options for streams, while they are probed; older PyAV crash over them where the file's head does not name all.
    arguments = {"options": {"max_pixels": str(MAX_PIXELS)}} if version() >= 18 else {}
    if is_url(source):
        arguments["timeout"] = PATIENCE
        if str(source).lower().startswith("rtsp://"):
            arguments["container_options"] = {"rtsp_transport": "tcp"}
    else:
        path = Path(source)
        if not os.path.exists(path):
            raise UserError(f"no such video: {source}. {why_missing(source)}")
        if path.is_dir():
            raise UserError(f"{source} is a folder, not a video; name one file in it.")
        if not path.is_file():  # opening a pipe would wait for ever
            raise UserError(f"{source} is a device or pipe, not a video; name a file.")
        if not path.stat().st_size:
            raise UserError(f"cannot read {source} as a video: the file is empty. Copy or download it again.")
        arguments["container_options"] = {"format_whitelist": ",".join(_whole(av)), "protocol_whitelist": "file,pipe"}
    try:
        container = av.open(source if is_url(source) else _file(source), **arguments)
    except av.error.FFmpegError as error:
        raise UserError(f"cannot read {source} as a video: {end_of(error)}. "
                        f"{_hint(source)}") from None
    names = set(container.format.name.split(","))
    if names & set(PICTURES) or any(name.endswith("_pipe") for name in names):
        container.close()
        raise UserError(f"{source} is not a video.")
    return container


def _whole(av):
    """The names of the formats that hold their images themselves."""
    return [name for names in sorted(av.formats_available) for name in names.split(",") if name not in NAMING]


def _file(source):
    """A file's name for PyAV: its absolute path, in which a colon marks no protocol; a file where it is no text."""
    path = os.path.abspath(source)
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return open(path, "rb")
    return path


def _hint(source):
    return "Check the address." if is_url(source) else ("Not a video, a playlist of others, cut short, damaged, or "
                                                                "you lack permission to read it.")


def video_stream(container: av.container.InputContainer, source: str | os.PathLike) -> av.VideoStream:
    """Its first moving image. Raises UserError where there is none."""
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        raise UserError(f"{source} has no video stream.")
    if streams[0].codec_context is None:
        raise UserError(f"{source} holds a kind of video that this FFmpeg does not know.")
    return streams[0]


def _is_cover(stream):
    """True for the image on the sleeve of a piece of music."""
    try:
        return bool(int(getattr(stream, "disposition", 0)) & 0x400)
    except TypeError:
        return False


def check_size(source: str | os.PathLike, width: int, height: int) -> None:
    """Raises UserError for frames of more than MAX_PIXELS."""
    if width * height > MAX_PIXELS:
        raise UserError(f"{source} declares frames of {width}x{height} pixels; at most {MAX_PIXELS // 10 ** 6} million are "
                        f"possible. Scale it down first, if it is meant so.")


def prepare(stream: av.VideoStream) -> None:
    """Let a few threads decode: each holds a frame of its own, and the network wants the cores."""
    context = stream.codec_context
    context.options = {"max_pixels": str(MAX_PIXELS)}
    large = context.width * context.height > 3840 * 2160
    stream.thread_type = "SLICE" if large else "AUTO"
    stream.thread_count = max(1, min(2 if large else 4, usable_cores()))


def start_of(picture: av.VideoStream, sound: av.AudioStream | None = None) -> tuple[Fraction, Fraction]:
    """(earliest time of the streams, where 0 is to be), seconds. Sound warms up before 0: that alone moves nothing."""
    times = [stream.start_time * Fraction(stream.time_base) for stream in (picture, sound)
             if stream is not None and stream.start_time is not None]
    earliest = min(times, default=Fraction(0))
    return earliest, earliest if (picture.start_time or 0) < 0 else max(earliest, Fraction(0))


def duration_of(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Seconds, or None."""
    if stream.duration and stream.time_base:
        return stream.duration * Fraction(stream.time_base)
    return Fraction(container.duration, 10 ** 6) if container.duration and container.duration > 0 else None
