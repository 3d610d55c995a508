"""Sound of a video: packets copied as they are, or decoded and encoded anew where the container cannot hold their codec.

Decoded sound stays in FFmpeg's frames: PyAV's ``to_ndarray`` (18.1) reads past the pointers of eight planar channels and
more, which ends the process.
"""
from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from bgmatting.media.video.audio_resampling import Continuous
from bgmatting.media.video.clock import Steady
from bgmatting.media.video.libav import import_av, kept_layout

if TYPE_CHECKING:
    import av

    from bgmatting.media.video.clock import Track

COPIED = {"mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus"),
          "mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_f32le"),
          "webm": ("opus", "vorbis")}
ENCODERS = {"mp4": ("aac", None), "mov": ("aac", None), "webm": ("libopus", 48000)}  # name, the only rate it knows

USUAL = Fraction(1, 50)  # seconds of a packet that does not say
WHOLE_NAME = 127  # characters of a layout's name that PyAV gives; a longer one is cut, and no filter knows it


class Sound(NamedTuple):
    """A packet of sound: data as encoded; pts, dts and duration in units of time_base; samples: [(``av.AudioFrame``, seconds
    at which it begins)], where asked for."""
    data: bytes
    pts: int
    dts: int
    duration: int
    time_base: Fraction
    samples: list


def first_known(streams: Iterable[av.AudioStream]) -> av.AudioStream | None:
    """The first ``av`` audio stream that can be decoded, or None."""
    return next((stream for stream in streams if stream.codec_context is not None), None)


class AudioReader:
    """Takes the packets of one ``av`` audio stream; ``decode`` says whether samples are wanted too. ``codec`` is its name,
    ``rate`` its samples per second, ``layout`` what it is mixed to where it is encoded; ``lost`` counts the packets that
    could not be decoded.

    Args:
        track: the stream's ``media.video.clock.Track``.
    """

    def __init__(self, stream: av.AudioStream, track: Track):
        self.stream, self.decode, self._track, self._steady = stream, False, track, None
        self.codec, self.lost = _codec(stream), 0
        layout = kept_layout(stream.codec_context)
        self.layout, self.rate = "mono" if layout.nb_channels == 1 else "stereo", stream.codec_context.sample_rate
        if len(layout.name) >= WHOLE_NAME:
            stream.codec_context.layout = f"{layout.nb_channels} channels"

    def take(self, packet: av.Packet) -> list[tuple[av.Packet | None, Fraction | None]]:
        """[(packet, time)] that a packet settles, on the timeline that the streams of the file share; for ``sounds``."""
        tick = self._tick_of(packet)
        lasts = (packet.duration or 0) * tick
        pts, dts = (None if stamp is None else stamp * tick for stamp in (packet.pts, packet.dts))
        pts, dts = self._track.place(pts, dts, lasts)
        stamp = pts if pts is not None else dts
        if self._steady is None:
            self._steady = Steady(lasts or USUAL, stamp or Fraction(0))
        return self._steady.put(packet, stamp)

    def rest(self) -> list[tuple[av.Packet | None, Fraction | None]]:
        """As ``take``, at the end: what waited, and None for what the decoder holds back."""
        return (self._steady.rest() if self._steady else []) + [(None, None)]

    def sounds(self, settled: list[tuple[av.Packet | None, Fraction | None]], start: Fraction) -> list[Sound]:
        """[Sound] of what ``take`` gave, times counted from ``start`` seconds.

        Decoded here and not before: whether samples are wanted is known only when the outputs are open.
        """
        found = []
        for packet, time in settled:
            if packet is None:
                found.append(Sound(b"", 0, 0, 0, Fraction(1), self._samples(None)))
                continue
            tick = self._tick_of(packet)
            ticks = round((time - start) / tick)
            packet.pts = packet.dts = ticks
            found.append(Sound(bytes(packet), ticks, ticks, packet.duration or 0, tick, self._samples(packet)))
        return found

    def _tick_of(self, packet):
        return Fraction(packet.time_base or self.stream.time_base)

    def _samples(self, packet):
        """[(``av.AudioFrame``, seconds)]."""
        if not self.decode:
            return []
        try:
            frames = self.stream.codec_context.decode(packet)
        except (import_av().error.FFmpegError, ValueError):
            self.lost += 1  # a gap in the sound; the times of what follows are kept
            return []
        for frame in frames:
            kept_layout(frame)
        return [(frame, frame.pts * Fraction(frame.time_base or self.stream.time_base))
                for frame in frames if frame.pts is not None and frame.samples and frame.sample_rate]


class AudioWriter:
    """The sound track of one output. ``copies`` says whether packets are taken over as they are.

    Args:
        container: an ``av`` output container before its header is written. muxer: "mp4", "mov" or "webm".
        reader: the ``AudioReader`` of the source.
    Raises:
        ValueError, av.error.FFmpegError: the sound can neither be copied nor encoded; the container is as it was.
    """

    def __init__(self, container: av.container.OutputContainer, muxer: str, reader: AudioReader):
        self._container, self._reader, self._last, self._kind, self._lost = container, reader, None, None, 0
        self.copies = reader.codec in COPIED[muxer] and reader.stream is not None
        if self.copies:
            try:
                self._stream = same_stream(container, reader.stream)
                return
            except ValueError:  # this FFmpeg cannot; encode
                self.copies = False
        name, rate = ENCODERS[muxer]
        layout, rate = reader.layout, rate or nearest_rate(name, reader.rate)
        _set_up(import_av().CodecContext.create(name, "w"), layout, rate)  # a stream that fails cannot be taken out again
        self._stream = container.add_stream(name, rate=rate)
        _set_up(self._stream.codec_context, layout, rate)
        self._samples = Continuous(layout, rate)

    @property
    def lost(self) -> int:
        """How many pieces are missing: the encoder or container refused them, or the decoder."""
        return self._lost + (0 if self.copies else self._reader.lost)

    def write(self, sounds: list[Sound]) -> None:
        """Put a list of ``Sound`` into the container."""
        for sound in sounds:
            if not self.copies:
                for samples in sound.samples:
                    self._encode(self._samples.put(*samples))
            elif sound.data:
                with self._guarded():
                    self._container.mux(self._packet(sound))

    def finish(self) -> None:
        """Write what the encoder holds back."""
        if not self.copies:
            self._encode(self._samples.rest())
            self._container.mux(self._stream.encode(None))

    def _encode(self, frames):
        with self._guarded():
            for frame in frames:
                self._container.mux(self._stream.encode(frame))

    @contextmanager
    def _guarded(self):
        """A piece of sound that FFmpeg refuses is left out; the video goes on."""
        try:
            yield
        except (import_av().error.FFmpegError, ValueError):
            self._lost += 1

    def _packet(self, sound):
        kind = adts_kind(sound.data)
        self._kind = self._kind or kind
        if kind != self._kind:
            raise ValueError("a file of MP4's kind says once for all what its sound is")
        packet = import_av().Packet(sound.data)
        packet.stream, packet.time_base = self._stream, sound.time_base
        dts = sound.dts if self._last is None else max(sound.dts, self._last + 1)
        packet.pts, packet.dts, self._last = max(sound.pts, dts), dts, dts
        packet.is_keyframe = True
        if sound.duration:
            packet.duration = sound.duration
        return packet


def adts_kind(data: bytes) -> tuple[int, int] | None:
    """Rate and channels that a packet of AAC states, as broadcasts do it; None where it says nothing."""
    return (data[2] & 0xFD, data[3] & 0xC0) if len(data) > 6 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0 else None


def nearest_rate(encoder: str, rate: int) -> int:
    """The sample rate next to ``rate`` that an encoder knows."""
    rates = import_av().Codec(encoder, "w").audio_rates
    return min(rates, key=lambda known: abs(known - rate)) if rates else rate


def _set_up(context, layout, rate):
    """Open an encoder, so that one that cannot be used is known before any work."""
    context.layout, context.sample_rate, context.time_base = layout, rate, Fraction(1, rate)
    context.bit_rate = 160_000
    if context.format is None:
        context.format = context.codec.audio_formats[0]
    context.open()


def same_stream(container: av.container.OutputContainer, template: av.AudioStream) -> av.AudioStream:
    """A stream of an ``av`` output container for the packets of another. Raises ValueError where it cannot hold them."""
    if hasattr(container, "add_stream_from_template"):
        return container.add_stream_from_template(template)
    return container.add_stream(template=template)


def _codec(stream):
    codec = stream.codec_context.codec
    return getattr(codec, "canonical_name", None) or codec.name.replace("float", "").replace("lib", "")
