"""Reading a video: upright RGB frames with their times, one after the other, whatever is damaged left out."""
from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bgmatting.media.exif import upright
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.video.audio import AudioReader, first_known
from bgmatting.media.video.clock import Clock, Decoded, Steady
from bgmatting.media.video.colour import SWS_MATRIX, Colour, colour_of, depth_of, foreign_matrix, to_rgb, usual_matrix
from bgmatting.media.video.container import Crop, crop_of
from bgmatting.media.video.libav import import_av
from bgmatting.media.video.light import Light, light_of
from bgmatting.media.video.opening import (
    MAX_PIXELS,
    check_size,
    duration_of,
    is_url,
    open_container,
    prepare,
    start_of,
    video_stream,
)
from bgmatting.media.video.rotation import rotation_of
from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    import av

MAX_ERRORS = 1000  # of the demuxer in a row, before the rest counts as lost
AUDIO_AT_ONCE = 256  # packets of sound that wait for a frame
HELD_BYTES, HELD = 64 << 20, 16  # decoded frames without a time that wait for one that has it
JOINED = ("mpegts", "mpeg")  # formats whose parts people put one behind the other as they are
UNSHOWN = ("avi", "asf")  # formats whose packets say when they are decoded; FFmpeg makes up when they are shown


class Frame(NamedTuple):
    """One frame: image uint8 RGB (H, W, 3); pts and duration in seconds; the sound that comes before it in the file.

    deep: the same image in uint16 where the source has more than 8 bits and ``VideoReader.want_depth`` asked for it.
    """
    image: np.ndarray | None
    pts: Fraction
    duration: Fraction
    audio: list
    deep: np.ndarray | None = None


class Info(NamedTuple):
    """Facts on a video before it is read. Sizes are upright; pts are multiples of ``time_base``; ``depth`` is bits
    of a colour, ``aspect`` that of one pixel, width to height; ``colour`` is what videos made from it have; ``first`` is the
    number of a sequence's first image; ``chromaticities`` as ``media.exr_dpx.Facts``."""
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    colour: Colour
    duration: Fraction | None
    frames: int | None
    has_audio: bool
    aspect: Fraction
    depth: int = 8
    light: Light = Light()
    first: int | None = None
    chromaticities: tuple | None = None


def open_video(source: str | os.PathLike, sound: bool = True) -> VideoReader:
    """Open a video file, an animated GIF or an address (http, https, rtsp, rtmp, udp); ``sound``: whether it is wanted.
    Raises UserError: PyAV is missing; the file is missing, no video, has no frames, or frames of more than MAX_PIXELS."""
    return VideoReader(source, sound)


class Reading:
    """What all readers of a video have: a context manager, and an iterator of ``Frame``, with the subclass's ``items``;
    ``audio`` is its track of sound, or None; ``damaged``, ``missing`` and ``note`` as of ``VideoReader``."""

    audio, damaged, missing, note, _deep = None, 0, 0.0, None, False

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; the object is not used afterwards."""

    def want_samples(self, wanted: bool) -> None:
        """Whether sound is decoded too, for outputs that cannot hold its codec."""
        if self.audio is not None:
            self.audio.decode = wanted

    def want_depth(self, wanted: bool) -> None:
        """Whether frames come with their own depth, too, where it is more than 8 bits."""
        self._deep = wanted

    def __iter__(self) -> Iterator[Frame]:
        """The frames, once."""
        return (frame for frame in self.items() if frame.image is not None)


class VideoReader(Reading):
    """An open video. ``info`` tells what it is, ``damaged`` how many frames or packets were left out so far,
    ``missing`` how many seconds before the end that its header names it ended, ``note`` what is to be said of its sound.

    Frames come cut and upright, as the file asks for. Times rise strictly, and start at
    0 for the stream (image or sound) that starts first; see ``media.video.clock`` for stamps that do not. Frames that
    the decoder knows to be broken are left out; their predecessor lasts longer. Where the size changes in the middle,
    frames are scaled to the first one's.
    """

    def __init__(self, source: str | os.PathLike, sound: bool = True):
        self.source = source
        self._waiting, self._packet_lasts, self._sent = [], 0, 0  # sound; the last packet's duration; packets decoded
        self._av = av = import_av()
        self._container = container = open_container(av, source)
        try:
            self._stream = stream = video_stream(container, source)
            check_size(source, stream.codec_context.width, stream.codec_context.height)
            prepare(stream)
            self._clock = Clock(bool(set(container.format.name.split(",")) & set(JOINED)))
            self._track = self._clock.track()
            self._order = Decoded() if set(container.format.name.split(",")) & {*UNSHOWN, "mxf"} else None
            sound = self._open_sound() if sound else None
            (self._earliest, self._start), self._started = start_of(stream, sound), False
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise UserError(f"{source} holds no frame that can be decoded ({stream.codec_context.name}): damaged, of "
                                f"more than {MAX_PIXELS // 10 ** 6} million pixels, or of a kind that this FFmpeg does "
                                f"not know.")
            self._orientation = rotation_of(self._first)
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    def _open_sound(self):
        """The first track of sound that can be decoded, or None."""
        tracks = self._container.streams.audio
        sound = first_known(tracks)
        if sound is not None:
            self.audio = AudioReader(sound, self._clock.track())
        elif tracks:
            self.note = f"the result has no sound: that of {self.source} is of a kind that this FFmpeg does not know."
        return sound

    def close(self) -> None:
        """Close the file; the object is not used afterwards."""
        self._container.close()

    def items(self) -> Iterator[Frame]:
        """As iterating, but sound that comes without an image is handed out too, as frames whose image is None."""
        for found, pts, duration in self.timed():
            if found is not None:
                try:
                    images = self.images(found)
                except Exception:  # whatever FFmpeg or PyAV makes of one frame, the video goes on
                    self.damaged += 1
                    continue
                yield Frame(images[0], pts, duration, self._take_audio(), images[1])
            else:
                yield Frame(None, pts, Fraction(0), self._take_audio())

    def timed(self) -> Iterator[tuple[av.VideoFrame | None, Fraction, Fraction]]:
        """(decoded frame or None, pts, duration): as ``items``, before colours are converted."""
        usual = 1 / self.info.rate
        before, last = None, None
        for found, pts in self._steady(usual):
            if found is None:
                yield None, last or Fraction(0), Fraction(0)
                continue
            if before is not None:
                yield before, last, pts - last
            before, last = found, pts
        if before is not None:
            yield before, last, self._end_of(last, usual)
        if self._waiting:
            yield None, last or Fraction(0), Fraction(0)

    def _steady(self, usual):
        """(decoded frame, time from the start), times rising strictly; (None, None) where much sound has gathered."""
        width, height = self._first_size
        room = max(1, min(HELD, HELD_BYTES // (2 * width * height)))
        # A program stream has few stamps; FFmpeg guesses the others, before a joint one frame late.
        steady = Steady(usual, self._earliest, room, guessed=self._container.format.name == "mpeg")
        for found in self._decoded_all():
            if found is not None:
                yield from self._from_start(steady.put(found, self._stamp_of(found)))
            elif self._started:
                yield None, None
        yield from self._from_start(steady.rest())

    def _from_start(self, settled):
        for found, time in settled:
            if not self._started:  # a header may name a later start than the first frame has
                self._start, self._started = min(self._start, time), True
                self._first_time = time - self._start
            yield found, time - self._start

    def _end_of(self, last, usual):
        """How long the last frame is seen: as the stream's header says, else its packet, else as frames usually do."""
        known = self.info.duration is not None and not self._clock.jumped
        known = known and (self._stream.duration or not self.info.has_audio)
        lasts = self._first_time + self.info.duration - last if known else 0
        if not 0 < lasts <= 5 * usual:  # a stream that was cut short ends long before its header's end
            self.missing = max(float(lasts - usual), 0.0)
            lasts = self._packet_lasts
        return lasts if lasts > 0 else usual

    def image(self, found: av.VideoFrame) -> np.ndarray:
        """uint8 RGB (H, W, 3), upright, of what ``timed`` gave."""
        return self.images(found)[0]

    def images(self, found: av.VideoFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """(``image``, the same in uint16 where that is wanted and there is more to it, else None)."""
        size = (found.width, found.height)
        wanted = (self._first_size if size != self._first_size else (None, None))
        image = to_rgb(found, colour_of(found, self._stream.codec_context), *wanted)
        if self._crop != Crop():
            left, top, right, bottom = self._crop
            image = np.ascontiguousarray(image[top:image.shape[0] - bottom, left:image.shape[1] - right])
        image = upright(image, self._orientation)
        return to_8_bits(image), image if self._deep and image.dtype == np.uint16 else None

    def count(self, most: int | None = None) -> int:
        """The number of frames, told by the packets that hold them; reads the rest of the file, which is spent then.

        most: where counting may end.
        """
        rest = (packet for packet in self._packets() if packet.stream.type == "video")
        return sum(1 for _ in islice(rest, None if most is None else max(0, most - self._sent))) + self._sent

    def _decoded_all(self):
        first, self._first = self._first, None
        yield first
        yield from self._decoded

    def _decode(self):
        """Decoded frames in the order of their times, and None where much sound has gathered."""
        latest = None
        for packet in self._packets():
            if packet.stream.type == "audio":
                self._waiting.extend(self.audio.take(packet))
                if len(self._waiting) >= AUDIO_AT_ONCE and getattr(self, "info", None):
                    yield None
                continue
            self._restamp(packet)
            if latest is None or packet.pts is not None and packet.pts >= latest:
                latest = packet.pts
                self._packet_lasts = (packet.duration or 0) * Fraction(packet.time_base or 0)
            self._sent += 1
            yield from self._frames_of(packet)
        yield from self._frames_of(None)
        if self.audio is not None:
            self._waiting.extend(self.audio.rest())

    def _restamp(self, packet):
        """Put a packet of images on the timeline that it shares with the sound."""
        tick = Fraction(packet.time_base or self._stream.time_base)
        pts, dts = (None if stamp is None else stamp * tick for stamp in (packet.pts, packet.dts))
        pts, dts = self._track.place(pts, dts, (packet.duration or 0) * tick)
        packet.pts = None if pts is None else round(pts / tick)
        packet.dts = None if dts is None else round(dts / tick)
        if self._order is None:
            return
        if self._container.format.name in UNSHOWN:
            packet.pts = packet.dts
        if packet.pts is None or packet.pts != packet.dts:  # an MXF with an index says when it is shown
            self._order = None
        else:
            self._order.sent(packet.pts)

    def _frames_of(self, packet):
        try:
            frames = self._stream.codec_context.decode(packet)
        except self._av.error.EOFError:
            return
        except Exception:  # as above
            self.damaged += 1
            if self._order is not None:
                self._order.failed()
            return
        for frame in frames:
            if self._order is not None and frame.pts is not None:
                frame.pts = self._order.shown(frame.pts)
            if getattr(frame, "is_corrupt", False) or not 0 < frame.width * frame.height <= MAX_PIXELS:
                self.damaged += 1
            else:
                yield frame

    def _packets(self):
        streams = [self._stream] + ([self.audio.stream] if self.audio else [])
        errors = 0
        while errors < MAX_ERRORS:
            try:
                for packet in self._container.demux(*streams):
                    errors = 0
                    if packet.size:
                        yield packet
                return
            except self._av.error.EOFError:
                return
            except self._av.error.InvalidDataError:  # a damaged place; the demuxer looks for the next sound one
                self.damaged += 1
                errors += 1
            except (self._av.error.FFmpegError, OSError):  # a connection that ended
                return

    def _take_audio(self):
        taken, self._waiting = self._waiting, []
        return self.audio.sounds(taken, self._start) if taken else []

    def _stamp_of(self, frame):
        ticks = frame.pts if frame.pts is not None else frame.dts
        return None if ticks is None else ticks * Fraction(frame.time_base or self._stream.time_base)

    def _describe(self):
        first, stream = self._first, self._stream
        self._first_time = Fraction(0)
        self._first_size = first.width, first.height
        formats, index = set(self._container.format.name.split(",")), self._container.streams.video.index(stream)
        self._crop = Crop() if is_url(self.source) else crop_of(self.source, formats, index, *self._first_size)
        width, height = (size - before - after for size, before, after in zip(self._first_size, self._crop, self._crop[2:]))
        # the container's word, as players have it, then that of the stream
        aspect = Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        if self._orientation > 4:
            width, height, aspect = height, width, 1 / aspect if aspect else Fraction(1)
        rate = next((Fraction(rate) for rate in (stream.average_rate, getattr(stream, "guessed_rate", None))
                     if rate and 0 < rate <= 1000), Fraction(25))
        duration, colour = duration_of(self._container, stream), colour_of(first, stream.codec_context)
        if foreign_matrix(colour) is not None:
            raise UserError(f"{self.source} states colours ({foreign_matrix(colour)}) that are not converted here. Convert "
                            f"it to BT.709 or BT.2020 first; where the statement is wrong, ffmpeg's bitstream filters "
                            f"h264_metadata and hevc_metadata change it.")
        if colour.matrix not in SWS_MATRIX:
            colour = colour._replace(matrix=usual_matrix(first))  # of what is made from it
        return Info(width, height, rate, Fraction(stream.time_base), colour, duration,
                    stream.frames or None, self.audio is not None, aspect if aspect > 0 else Fraction(1),
                    depth_of(first), light_of(first))
