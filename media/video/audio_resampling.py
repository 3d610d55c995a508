"""Decoded sound at one rate, without gap or overlap, so that it stays with the image in every kind of file."""
from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.media.video.libav import import_av, kept_layout

if TYPE_CHECKING:
    import av

KIND = "fltp"    # float samples, one row per channel
PACKED = "flt"   # float samples, one behind the other
NEAR = 50        # stamps that are off by less than a 50th of a second are jitter


class Continuous:
    """Samples by their times: gaps become silence, what overlaps is left out, another rate or layout is converted to
    ``rate`` a second and "mono" or "stereo"."""

    def __init__(self, layout: str, rate: int):
        self._layout, self._rate, self._channels = layout, rate, 1 if layout == "mono" else 2
        self._resampler, self._given = None, None
        self._mixes = False  # the resampler leaves the channels as they are
        self._due = None   # where the next sample given belongs if all goes on evenly, Fraction of 1 / rate
        self._at = None    # where the next sample handed out belongs
        self._skip = 0     # samples to leave out

    def put(self, frame: av.AudioFrame, time: Fraction) -> Iterator[av.AudioFrame]:
        """``av.AudioFrame``s of what a decoded one that begins at ``time`` seconds gives. Raises ValueError, FFmpegError."""
        place = time * self._rate
        if self._due is None:
            self._due, self._at = place, round(place)
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if self._given != kind:
            yield from self._flush()
            self._given, self._resampler = kind, None
        off = place - self._due
        if off * NEAR > self._rate:
            yield from self._flush()
            yield from self._silence(round(off))
            self._due = place
        elif -off * NEAR > self._rate:
            self._skip = round(-off)
            self._due = place
        self._due += Fraction(frame.samples * self._rate, frame.sample_rate)
        yield from self._frames(self._resampled(frame))

    def rest(self) -> Iterator[av.AudioFrame]:
        """As ``put``, at the end."""
        yield from self._flush()

    def _resampled(self, frame):
        """[``av.AudioFrame``]; the first of a kind chooses how."""
        if self._resampler is not None:
            return self._resampler.resample(frame)
        av = import_av()
        self._resampler, self._mixes = av.AudioResampler(KIND, self._layout, self._rate), False
        try:
            return self._resampler.resample(frame)
        except av.error.FFmpegError:  # nothing says what its channels are
            self._resampler, self._mixes = av.AudioResampler(PACKED, None, self._rate), True
            return self._resampler.resample(frame)

    def _flush(self):
        if self._resampler is not None:
            yield from self._frames(self._resampler.resample(None))
            self._resampler = None

    def _frames(self, frames):
        for frame in frames:
            kept_layout(frame)
            array = frame.to_ndarray()
            if self._mixes:
                mean = array.reshape(frame.samples, -1).mean(1, np.float32)
                array = np.stack([mean] * self._channels)
            skipped = min(self._skip, array.shape[1])
            self._skip -= skipped
            if array.shape[1] > skipped:
                yield self._made(array[:, skipped:])

    def _silence(self, samples):
        while samples > 0:
            part = min(samples, self._rate)
            yield self._made(np.zeros((self._channels, part), np.float32))
            samples -= part

    def _made(self, array):
        frame = import_av().AudioFrame.from_ndarray(np.ascontiguousarray(array), format=KIND, layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._at, Fraction(1, self._rate)
        self._at += array.shape[1]
        return frame
