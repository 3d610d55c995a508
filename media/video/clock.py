"""One timeline for the image and the sound of a file, whatever its time stamps do. Seconds are Fractions throughout.

``Clock`` sees packets in the order of the file and takes out what concerns all streams at once: a counter that
wraps, files joined one behind the other, a jump. ``Steady`` sees what one stream shows in the order it is shown, and gives
every item a time of its own where stamps repeat, are missing or lie outside their neighbours. ``Decoded`` makes stamps
of showing from such of decoding, for formats that have no others.
"""
from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Any

WRAP = Fraction(2 ** 33, 90000)  # seconds after which the counters of MPEG streams start anew
BACK = Fraction(1, 10)           # a stamp this far before its predecessor is a jump, not a jitter
BACK_SHOWN = Fraction(1)         # the same for stamps in the order of showing, which go to and fro
FAR = Fraction(10)               # a gap of an MPEG stream above this is a jump; players think so, too
OVERLAP = Fraction(1)            # by which a stream of one part may run into the next
KNOWN = 8                        # jumps remembered, to which a stream that lags behind may still follow


class Clock:
    """Timeline of all streams of a file. ``joined``: the format lets its counters start anew (MPEG-TS and PS)."""

    def __init__(self, joined: bool = False):
        self.joined, self.offsets, self.tracks = joined, [Fraction(0)], []

    def track(self) -> Track:
        """A new ``Track`` for one stream."""
        self.tracks.append(Track(self))
        return self.tracks[-1]

    @property
    def jumped(self) -> bool:
        """Whether a stream did."""
        return len(self.offsets) > 1


class Track:
    """The stamps of one stream on the common timeline."""

    def __init__(self, clock: Clock):
        self._clock, self._offset, self._known = clock, Fraction(0), 1  # offsets of the clock that were there with its own
        self._before = self._last = self._next = self.end = None  # all on the common timeline

    def place(self, pts: Fraction | None, dts: Fraction | None, lasts: Fraction) -> tuple[Fraction | None, Fraction | None]:
        """(pts, dts) of a packet on the common timeline; None stays None. ``lasts``: its duration, 0 where unknown."""
        key = pts if dts is None else dts
        if key is None:
            return None, None
        if self._last is not None:
            self._follow(key, key if pts is None else pts, lasts, BACK if dts is not None else BACK_SHOWN)
        self._before, self._last = self._last, key + self._offset
        self._next = self._last + lasts
        end = (key if pts is None else pts) + self._offset + lasts
        self.end = end if self.end is None else max(self.end, end)
        return tuple(None if stamp is None else stamp + self._offset for stamp in (pts, dts))

    def _follow(self, key, shown, lasts, back):
        """Change the offset where this packet does not go on from the last one."""
        back = max(back, 2 * lasts)
        ahead = key + self._offset - self._next
        backwards = key + self._offset < self._last - back
        if not backwards and ahead <= back:
            return
        wraps = [self._offset + WRAP, self._offset - WRAP] if self._clock.joined else []
        fits = [offset for offset in self._clock.offsets[-KNOWN:] + wraps if abs(key + offset - self._next) <= back]
        jumps = backwards or self._clock.joined and ahead > FAR
        if not fits and jumps and self._clock.joined:  # a stream may end well before the others of its part
            later = self._clock.offsets[max(self._known, len(self._clock.offsets) - KNOWN):]
            fits = [offset for offset in later if -OVERLAP <= key + offset - self._next <= FAR]
        if fits:
            self._jump(min(fits, key=lambda offset: abs(key + offset - self._next)))
        elif backwards and self._was_spike(key, back):
            self.end = shown + self._offset + lasts
        elif jumps:
            self._jump(max([self._next - key] + self._ends(shown)))

    def _was_spike(self, key, back):
        """True where the last packet was the odd one, and this goes on from the one before it."""
        return self._before is not None and -back <= key + self._offset - self._before <= 4 * back

    def _ends(self, shown):
        """Offsets that let a joined file start where the streams of the one before end."""
        return [track.end - shown for track in self._clock.tracks if self._clock.joined and track.end is not None]

    def _jump(self, offset):
        if offset not in self._clock.offsets[-KNOWN:]:
            self._clock.offsets.append(offset)
        self._offset, self._known = offset, len(self._clock.offsets)


class Steady:
    """Times that rise strictly, for what one stream shows.

    What has no usable stamp is spread evenly between its neighbours; nobody's own stamp moves for it.

    Args:
        usual: how long an item usually lasts. origin: what first items without a stamp are never before. room: items that
            may wait for a stamp; beyond, they follow each other as usual, and half as far apart once stamps have fallen
            behind.
        guessed: stamps are partly guesses at a constant rate, which may be one item off; a step of up to one and a half is
            taken by halves.
    """

    def __init__(self, usual: Fraction, origin: Fraction = Fraction(0), room: int = 16, guessed: bool = False):
        self._usual, self._origin, self._room, self._guessed = usual, origin, room, guessed
        self._last, self._held = None, []  # (item, stamp or None, usable)
        self._raw = None

    def put(self, item: Any, stamp: Fraction | None) -> list[tuple[Any, Fraction]]:
        """[(item, time)] of what is settled by the next item and its stamp, which may be None."""
        settled = self._settle(stamp)
        moves = stamp is not None and (self._raw is None or stamp > self._raw)
        self._raw = self._raw if stamp is None else stamp
        usable = stamp is not None and (self._last is None or stamp > self._last)
        self._held.append((item, stamp if usable else None, moves))
        if not usable and len(self._held) > self._room:
            settled.append(self._out(self._after(self._usual / 2 if self._held[0][2] else self._usual)))
        return settled

    def rest(self) -> list[tuple[Any, Fraction]]:
        """As ``put``, at the end."""
        settled = self._settle(None)
        while self._held:
            settled.append(self._out(self._after(self._usual)))
        return settled

    def _after(self, step):
        return self._origin if self._last is None else self._last + step

    def _settle(self, stamp):
        """Decide on the stamp held last, unless ``stamp``, which follows it, shows that it is the odd one."""
        held = self._held[-1][1] if self._held else None
        if held is None:
            return []
        if stamp is not None and stamp < held and self._odd(held, stamp):
            self._held[-1] = (self._held[-1][0], None, False)
            return []
        if self._last is None:  # first ones without a stamp: backwards from here, but not to before the origin
            count = len(self._held) - 1
            self._last = held - self._usual * (count + 1)
            if count and held - self._usual * count < self._origin < held:
                first = self._out(self._origin)
                return [first] + self._settle(stamp)
        held = self._halved(held) if self._guessed else held
        step = (held - self._last) / len(self._held)
        step = step if step <= 2 * self._usual else self._usual
        settled = [self._out(self._last + step) for _ in self._held[:-1]]
        return settled + [self._out(held)]

    def _halved(self, held):
        expected = self._last + self._usual * len(self._held)
        return (held + expected) / 2 if self._usual / 8 < abs(held - expected) <= self._usual * 3 / 2 else held

    def _odd(self, held, stamp):
        if self._last is None:
            return held - stamp > 2 * self._usual
        expected = self._last + self._usual * len(self._held)
        return stamp > self._last and abs(stamp - expected) < abs(held - expected)

    def _out(self, time):
        self._last = time
        return self._held.pop(0)[0], time


class Decoded:
    """Stamps for frames whose packets are stamped in the order of decoding: the next frame shown has the earliest that is
    left.

    A frame that the decoder drops leaves its stamp behind; more than waited when the first frame came are let go.
    """

    def __init__(self):
        self._left, self._most = [], None

    def sent(self, stamp: int) -> None:
        """A packet goes to the decoder."""
        heapq.heappush(self._left, stamp)

    def failed(self) -> None:
        """The packet sent last gives no frame."""
        if self._left:
            self._left.remove(max(self._left))
            heapq.heapify(self._left)

    def shown(self, own: int) -> int | None:
        """The stamp of the next frame; ``own`` is that of its packet."""
        if self._most is None:
            self._left = [stamp for stamp in self._left if stamp >= own]  # what came before it could not be decoded
            heapq.heapify(self._left)
            self._most = len(self._left)
        while len(self._left) > self._most:
            heapq.heappop(self._left)
        return heapq.heappop(self._left) if self._left else None
