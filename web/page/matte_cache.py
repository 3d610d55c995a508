"""Mattes of the page, kept for a while: another backdrop or file format does not matte a photo again."""
from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

MOST_BYTES = 512 << 20  # of mattes that are kept
KEPT = ("pha", "fgr")


class MatteCache:
    """The mattes that were made last."""

    def __init__(self) -> None:
        self._kept, self._lock = OrderedDict(), threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The matte of ``key``; made where it is not kept. Nobody may change it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while sum(map(_size, self._kept.values())) > MOST_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return made


class CachedMatter:
    """As a ``Matter`` that mattes photos, by way of a cache. changed: in which settings it differs from the original."""

    def __init__(self, matter: Any, cache: MatteCache, changed: tuple = ()):
        self._matter, self._cache, self._changed = matter, cache, changed
        self.settings = matter.settings

    def with_settings(self, **changes: Any) -> CachedMatter:
        """As ``Matter.with_settings``."""
        matter = self._matter.with_settings(**changes) if hasattr(self._matter, "with_settings") else self._matter
        return CachedMatter(matter, self._cache, (*self._changed, *sorted(changes.items())))

    def predict(self, src: np.ndarray, bgr: np.ndarray | None, want: Iterable[str] = KEPT,
                rows: Callable[[int, Any], Any] | None = None) -> Any:
        """As ``Matter.predict`` of pha and fgr; large photos are handed out whole."""
        sums = (None if photo is None else hashlib.sha256(photo).digest() for photo in (src, bgr))
        key = (*sums, src.shape, self._changed)
        matte = self._cache.get(key, lambda: self._matter.predict(src, bgr, KEPT))
        return matte if rows is None else rows(0, matte)


def _size(matte):
    return sum(part.nbytes for part in matte if part is not None)
