"""Sound of a video: packets copied as they are, or decoded and encoded anew where the container cannot hold their codec."""
from fractions import Fraction
from typing import NamedTuple

from bgmatting.media.video.clock import Steady
from bgmatting.media.video.libav import import_av
from bgmatting.media.video.samples import Continuous

COPIED = {"mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus"),
          "mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_f32le"),
          "webm": ("opus", "vorbis")}
ENCODERS = {"mp4": ("aac", None), "mov": ("aac", None), "webm": ("libopus", 48000)}  # name, the only rate it knows

USUAL = Fraction(1, 50)  # seconds of a packet that does not say


class Sound(NamedTuple):
    """A packet of sound: data as encoded; pts, dts and duration in units of time_base; samples: decoded, where asked for."""
    data: bytes
    pts: int
    dts: int
    duration: int
    time_base: Fraction
    samples: list


def first_known(streams):
    """The first ``av`` audio stream that can be decoded, or None."""
    return next((stream for stream in streams if stream.codec_context is not None), None)


class AudioReader:
    """Takes the packets of one ``av`` audio stream; ``decode`` says whether samples are wanted too.

    Args:
        track: the stream's ``media.video.clock.Track``.
    """

    def __init__(self, stream, track):
        self.stream, self.decode, self._track, self._steady = stream, False, track, None
        self.codec = _codec(stream)

    def take(self, packet):
        """[(packet, time)] that a packet settles, on the timeline that the streams of the file share; for ``sounds``."""
        tick = self._tick_of(packet)
        lasts = (packet.duration or 0) * tick
        pts, dts = (None if stamp is None else stamp * tick for stamp in (packet.pts, packet.dts))
        pts, dts = self._track.place(pts, dts, lasts)
        stamp = pts if pts is not None else dts
        if self._steady is None:
            self._steady = Steady(lasts or USUAL, stamp or Fraction(0))
        return self._steady.put(packet, stamp)

    def rest(self):
        """As ``take``, at the end: what waited, and None for what the decoder holds back."""
        return (self._steady.rest() if self._steady else []) + [(None, None)]

    def sounds(self, settled, start):
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
        """[(array, format, layout, rate, pts, time base)]."""
        if not self.decode:
            return []
        try:
            frames = self.stream.codec_context.decode(packet)
        except (import_av().error.FFmpegError, ValueError):
            return []  # a gap in the sound; the times of what follows are kept
        return [(frame.to_ndarray(), frame.format.name, frame.layout.name, frame.sample_rate, frame.pts,
                 Fraction(frame.time_base or self.stream.time_base))
                for frame in frames if frame.pts is not None and frame.samples and frame.sample_rate]


class AudioWriter:
    """The sound track of one output. ``lost`` counts the pieces that could not be written.

    Args:
        container: an ``av`` output container before its header is written. muxer: "mp4", "mov" or "webm".
        reader: the ``AudioReader`` of the source.
    Raises:
        ValueError, av.error.FFmpegError: the sound can neither be copied nor encoded; the container is as it was.
    """

    def __init__(self, container, muxer, reader):
        self._container, self._last, self.lost = container, None, 0
        self.copies = reader.codec in COPIED[muxer]
        if self.copies:
            try:
                self._stream = _same_stream(container, reader.stream)
                return
            except ValueError:  # this FFmpeg cannot; encode
                self.copies = False
        name, rate = ENCODERS[muxer]
        context = reader.stream.codec_context
        layout = "mono" if _channels(context) == 1 else "stereo"
        rate = rate or nearest_rate(name, context.sample_rate)
        _set_up(import_av().CodecContext.create(name, "w"), layout, rate)  # a stream that fails cannot be taken out again
        self._stream = container.add_stream(name, rate=rate)
        _set_up(self._stream.codec_context, layout, rate)
        self._samples = Continuous(layout, rate)

    def write(self, sounds):
        """Put a list of ``Sound`` into the container."""
        for sound in sounds:
            if not self.copies:
                for samples in sound.samples:
                    self._encode(self._samples.put(*samples))
            elif sound.data:
                self._guarded(self._copy, sound)

    def finish(self):
        """Write what the encoder holds back."""
        if not self.copies:
            self._encode(self._samples.rest())
            self._container.mux(self._stream.encode(None))

    def _encode(self, frames):
        self._guarded(self._encode_all, frames)

    def _encode_all(self, frames):
        for frame in frames:
            self._container.mux(self._stream.encode(frame))

    def _copy(self, sound):
        self._container.mux(self._packet(sound))

    def _guarded(self, work, *what):
        """A piece of sound that FFmpeg refuses is left out; the film goes on."""
        try:
            work(*what)
        except (import_av().error.FFmpegError, ValueError):
            self.lost += 1

    def _packet(self, sound):
        packet = import_av().Packet(sound.data)
        packet.stream, packet.time_base = self._stream, sound.time_base
        dts = sound.dts if self._last is None else max(sound.dts, self._last + 1)
        packet.pts, packet.dts, self._last = max(sound.pts, dts), dts, dts
        packet.is_keyframe = True
        if sound.duration:
            packet.duration = sound.duration
        return packet


def nearest_rate(encoder, rate):
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


def _same_stream(container, template):
    if hasattr(container, "add_stream_from_template"):
        return container.add_stream_from_template(template)
    return container.add_stream(template=template)


def _codec(stream):
    codec = stream.codec_context.codec
    return getattr(codec, "canonical_name", None) or codec.name.replace("float", "").replace("lib", "")


def _channels(context):
    layout = context.layout
    return getattr(layout, "nb_channels", None) or len(layout.channels)
