"""Decoded sound at one rate, without gap or overlap, so that it stays with the picture in every kind of file."""
from fractions import Fraction

import numpy as np

from bgmatting.media.video.libav import import_av

KIND = "fltp"    # float samples, one row per channel
NEAR = 50        # stamps that are off by less than a 50th of a second are jitter


class Continuous:
    """Samples by their times: gaps become silence, what overlaps is left out, another rate or layout is converted.

    Args:
        layout: "mono" or "stereo". rate: samples per second wanted.
    """

    def __init__(self, layout, rate):
        self._layout, self._rate, self._channels = layout, rate, 1 if layout == "mono" else 2
        self._resampler, self._given = None, None
        self._due = None   # where the next sample given belongs if all goes on evenly, Fraction of 1 / rate
        self._at = None    # where the next sample handed out belongs
        self._skip = 0     # samples to leave out

    def put(self, array, kind, layout, rate, pts, time_base):
        """``av.AudioFrame``s of what one decoded piece gives; pts in units of time_base. Raises ValueError, FFmpegError."""
        frame = import_av().AudioFrame.from_ndarray(array, format=kind, layout=layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        place = pts * time_base * self._rate
        if self._due is None:
            self._due, self._at = place, round(place)
        if self._given != (kind, layout, rate):
            yield from self._flush()
            self._resampler = import_av().AudioResampler(KIND, self._layout, self._rate)
            self._given = kind, layout, rate
        off = place - self._due
        if off * NEAR > self._rate:
            yield from self._flush()
            yield from self._silence(round(off))
            self._due = place
        elif -off * NEAR > self._rate:
            self._skip = round(-off)
            self._due = place
        self._due += Fraction(frame.samples * self._rate, rate)
        yield from self._frames(self._resampler.resample(frame))

    def rest(self):
        """As ``put``, at the end."""
        yield from self._flush()

    def _flush(self):
        if self._resampler is not None:
            yield from self._frames(self._resampler.resample(None))
            self._resampler = import_av().AudioResampler(KIND, self._layout, self._rate)

    def _frames(self, frames):
        for frame in frames:
            array = frame.to_ndarray()
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
