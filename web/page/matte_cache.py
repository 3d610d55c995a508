"""Mattes of the page, kept for a while: another backdrop or file format does not matte a photo again."""
from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

MOST_BYTES = 512 << 20  # of mattes that are kept


class MatteCache:
    """The mattes that were made last."""

    def __init__(self) -> None:
        self._kept, self._lock = OrderedDict(), threading.Lock()

    def get(self, key: Any, want: Collection[str], make: Callable[[], Any]) -> Any:
        """The matte of ``key``; made where none is kept that has all parts of ``want``. Nobody may change it."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and all(getattr(kept, part) is not None for part in want):
                self._kept.move_to_end(key)
                return kept
        made = make()
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
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
        return CachedMatter(self._matter.with_settings(**changes), self._cache, (*self._changed, *sorted(changes.items())))

    def predict(self, src: np.ndarray, bgr: np.ndarray | None, want: Collection[str],
                rows: Callable[[int, Any], Any] | None = None) -> Any:
        """As ``Matter.predict``; there may be more in it than ``want``, and large photos are handed out whole."""
        sums = (None if photo is None else hashlib.sha256(photo).digest() for photo in (src, bgr))
        key = (*sums, src.shape, self._changed)
        matte = self._cache.get(key, want, lambda: self._matter.predict(src, bgr, want))
        return matte if rows is None else rows(0, matte)


def _size(matte):
    return sum(part.nbytes for part in matte if part is not None)
