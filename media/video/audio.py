"""Sound of a video: packets copied as they are, or decoded and encoded anew where the container cannot hold their codec."""
from fractions import Fraction
from typing import NamedTuple

from media.video.libav import import_av

COPIED = {"mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus"),
          "mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_f32le"),
          "webm": ("opus", "vorbis")}
ENCODERS = {"mp4": ("aac", None), "mov": ("aac", None), "webm": ("libopus", 48000)}  # name, the only rate it knows


class Sound(NamedTuple):
    """A packet of sound: data as encoded; pts, dts and duration in units of time_base; samples: decoded, where asked for."""
    data: bytes
    pts: int
    dts: int
    duration: int
    time_base: Fraction
    samples: list


class AudioReader:
    """Takes the packets of one ``av`` audio stream; ``decode`` says whether samples are wanted too."""

    def __init__(self, stream):
        self.stream, self.decode = stream, False
        self.codec = _codec(stream)

    def take(self, packet, start):
        """[Sound] of a packet, times counted from ``start`` seconds."""
        if packet.dts is None and packet.pts is None:
            return []
        time_base = Fraction(packet.time_base or self.stream.time_base)
        shift = round(start / time_base)
        pts = packet.pts if packet.pts is not None else packet.dts
        dts = packet.dts if packet.dts is not None else packet.pts
        samples = self._samples(packet, start)
        return [Sound(bytes(packet), pts - shift, dts - shift, packet.duration or 0, time_base, samples)]

    def rest(self, start):
        """[Sound] without data: what the decoder held back."""
        samples = self._samples(None, start)
        return [Sound(b"", 0, 0, 0, Fraction(1), samples)] if samples else []

    def _samples(self, packet, start):
        if not self.decode:
            return []
        av = import_av()
        try:
            frames = self.stream.codec_context.decode(packet)
        except (av.error.FFmpegError, ValueError):
            return []  # a gap in the sound; the times of what follows are kept
        found = []
        for frame in frames:
            if frame.pts is not None and frame.samples:
                time_base = Fraction(frame.time_base or self.stream.time_base)
                found.append((frame.to_ndarray(), frame.format.name, frame.layout.name, frame.sample_rate,
                              frame.pts - round(start / time_base), time_base))
        return found


class AudioWriter:
    """The sound track of one output.

    Args:
        container: an ``av`` output container before its header is written. muxer: "mp4", "mov" or "webm".
        reader: the ``AudioReader`` of the source.
    Raises:
        ValueError, av.error.FFmpegError: the sound can neither be copied nor encoded.
    """

    def __init__(self, container, muxer, reader):
        self._container = container
        self.copies = reader.codec in COPIED[muxer]
        if self.copies:
            try:
                self._stream = _same_stream(container, reader.stream)
                return
            except ValueError:  # this FFmpeg cannot; encode
                self.copies = False
        name, rate = ENCODERS[muxer]
        context = reader.stream.codec_context
        self._stream = container.add_stream(name, rate=rate or context.sample_rate)
        self._stream.codec_context.layout = "mono" if _channels(context) == 1 else "stereo"
        self._stream.codec_context.bit_rate = 160_000

    def write(self, sounds):
        """Put a list of ``Sound`` into the container."""
        for sound in sounds:
            if self.copies:
                if sound.data:
                    self._container.mux(self._packet(sound))
            else:
                for samples in sound.samples:
                    self._container.mux(self._stream.encode(_frame(*samples)))

    def finish(self):
        """Write what the encoder holds back."""
        if not self.copies:
            self._container.mux(self._stream.encode(None))

    def _packet(self, sound):
        packet = import_av().Packet(sound.data)
        packet.stream, packet.time_base = self._stream, sound.time_base
        packet.pts, packet.dts = sound.pts, sound.dts
        packet.is_keyframe = True
        if sound.duration:
            packet.duration = sound.duration
        return packet


def _frame(array, kind, layout, rate, pts, time_base):
    frame = import_av().AudioFrame.from_ndarray(array, format=kind, layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, time_base
    return frame


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
