"""A video that is read in another process: the same frames, times and sound, and a decoder that crashes ends only that one.

What a file is made of is told by the worker. To copy sound, its description crosses over as the head of a Matroska file
without a packet, of which nothing can be decoded here.
"""
from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from bgmatting.media.video.audio import Sound, same_stream
from bgmatting.media.video.audio_resampling import Continuous
from bgmatting.media.video.colour import Colour
from bgmatting.media.video.libav import import_av
from bgmatting.media.video.light import Light
from bgmatting.media.video.reader import Frame, Info, Reading, open_video

if TYPE_CHECKING:
    from bgmatting.media.decoding import Isolated

MODULE = __name__  # for a worker to import before it is asked
CLUSTER, NO_BLOCKS = b"\x1f\x43\xb6\x75", b"\x83\xe7\x81\x00"  # where packets begin in Matroska, and none of them


class Facts(NamedTuple):
    """Facts known before the frames are read. frames: as many were counted; None: they were not. head: describes the sound
    to copy; None where no file can hold it."""
    info: Info
    note: str | None
    frames: int | None
    codec: str | None = None
    layout: str | None = None
    rate: int = 0
    head: bytes | None = None


class End(NamedTuple):
    """Facts known after the last frame; see ``VideoReader`` and ``AudioReader.lost``."""
    damaged: int
    missing: float
    lost: int


CLASSES = (Facts, End, Frame, Info, Sound, Colour, Light)  # of answers, for ``Workers``


class IsolatedTrack:
    """Stands for an ``AudioReader``: codec, layout, rate, lost, decode, and the stream to copy from, or None."""

    def __init__(self, facts: Facts):
        self.codec, self.layout, self.rate, self.lost, self.decode = facts.codec, facts.layout, facts.rate, 0, False
        self._container = self.stream = None
        if facts.head is not None and CLUSTER not in facts.head:
            self._container = import_av().open(io.BytesIO(facts.head + CLUSTER + NO_BLOCKS), format="matroska")
            self.stream = self._container.streams.audio[0]


class IsolatedReader(Reading):
    """Stands for a ``VideoReader`` of the file ``source``; ``damaged`` and ``missing`` are known at the end. most: frames
    up to which they are counted, for the attribute ``frames``, which is one more where there are more; None: they are
    not. Raises UserError: as ``open_video``, or as ``utils.isolation.Workers``."""

    def __init__(self, decoding: Isolated, source: str | os.PathLike, sound: bool = True, most: int | None = None):
        self.source, self._sound = source, sound
        self._decoding, self._stack = decoding, ExitStack()
        facts = decoding.call(facts_of, source, sound, most)
        self.info, self.note, self.frames = facts.info, facts.note, facts.frames
        self.audio = None if facts.codec is None else IsolatedTrack(facts)

    def close(self) -> None:
        """End the reading; the worker serves others."""
        self._stack.close()

    def items(self) -> Iterator[Frame]:
        """As ``VideoReader.items``."""
        decode = self.audio is not None and self.audio.decode
        found = self._stack.enter_context(self._decoding.stream(items_of, self.source, self._sound, self._deep, decode))
        for item in found:
            if isinstance(item, End):
                self.damaged, self.missing = item.damaged, item.missing
                if self.audio is not None:
                    self.audio.lost = item.lost
            else:
                yield item._replace(audio=[sound._replace(samples=[_frame(*samples) for samples in sound.samples])
                                           for sound in item.audio])


def facts_of(source: str, sound: bool, most: int | None = None) -> Facts:
    """For a worker: the ``Facts`` of a file; its frames are counted up to ``most`` + 1."""
    with open_video(source, sound) as reader:
        audio = reader.audio
        told = () if audio is None else (audio.codec, audio.layout, audio.rate, _head(audio.stream))
        return Facts(reader.info, reader.note, None if most is None else reader.count(most + 1), *told)


def items_of(source: str, sound: bool, deep: bool, decode: bool) -> Iterator[Frame | End]:
    """For a worker: the ``Frame``s of a file, whose sound has samples as (array, layout, rate, time), then its ``End``."""
    with open_video(source, sound) as reader:
        reader.want_depth(deep)
        reader.want_samples(decode)
        mixed = _Mixed(reader.audio) if decode and reader.audio is not None else None
        for frame in reader.items():
            yield frame if mixed is None else frame._replace(audio=[mixed.sound(sound) for sound in frame.audio])
        if mixed is not None:
            yield Frame(None, Fraction(0), Fraction(0), [mixed.rest()])
        yield End(reader.damaged, reader.missing, 0 if reader.audio is None else reader.audio.lost)


class _Mixed:
    """Samples of a track, mono or stereo and without gap, as arrays."""

    def __init__(self, audio):
        self._layout, self._rate = audio.layout, audio.rate
        self._stage = Continuous(self._layout, self._rate)

    def sound(self, sound):
        av, made = import_av(), []
        for samples in sound.samples:
            try:
                made += self._arrays(self._stage.put(*samples))
            except (av.error.FFmpegError, ValueError):  # as in ``AudioWriter``
                continue
        return sound._replace(samples=made)

    def rest(self):
        return Sound(b"", 0, 0, 0, Fraction(1), self._arrays(self._stage.rest()))

    def _arrays(self, frames):
        return [(frame.to_ndarray(), self._layout, self._rate, Fraction(frame.pts, self._rate)) for frame in frames]


def _frame(array, layout, rate, time):
    frame = import_av().AudioFrame.from_ndarray(array, "fltp", layout)
    frame.sample_rate = rate
    return frame, time


def _head(stream):
    """The bytes of a Matroska file that describes an ``av`` audio stream and holds nothing of it, or None."""
    av, file = import_av(), io.BytesIO()
    try:
        with av.open(file, "w", format="matroska", options={"live": "1"}) as container:
            same_stream(container, stream)
            container.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return None
    return file.getvalue()
