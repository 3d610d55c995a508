"""Mattes of pairs, kept for a while: another backdrop or file format does not matte the pair again."""
import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.outputs import deepened
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.plan import Job
from bgmatting.utils.files import file_sha256

ROOM = 512 << 20  # bytes of mattes that are kept


class Matted(NamedTuple):
    """pair: ``prediction.photos.pairs.Pair``; matte: pha, fgr of ``model.Matte``."""
    pair: Any
    matte: Any

    @property
    def size(self):
        """Bytes."""
        pictures = self.pair.src, self.pair.bgr, self.pair.deep, self.matte.pha, self.matte.fgr
        return sum(part.nbytes for part in pictures if part is not None)


class Mattes:
    """The mattes that were made last.

    Args:
        service: ``web.service.Service``. room: bytes that they may take.
    """

    def __init__(self, service, room=ROOM):
        self._service, self._room, self._kept, self._lock = service, room, OrderedDict(), threading.Lock()

    def get(self, src, bgr, fit=None, align="auto", exposure="auto", bits=8):
        """The ``Matted`` of two files, or of one where bgr is None; made, in line with all other photos, where it is not
        kept. bits: of a channel of the file that is wanted.

        Raises:
            UserError: as predict.py says it. Refused: the line is full.
        """
        bgr_sum = None if bgr is None else file_sha256(bgr)
        key = hashlib.sha256(repr((file_sha256(src), bgr_sum, fit, align, exposure, bits)).encode()).digest()
        found = self._find(key)
        if found is None:
            found = self._service.photos.submit(self._make, key, src, bgr, (fit, align, exposure, bits)).result()
        return found

    def _find(self, key):
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _make(self, key, src, bgr, how):
        found = self._find(key)  # whoever stood in line before may have made it
        if found is not None:
            return found
        fit, align, exposure, bits = how
        read = PairReader(fit, fitter(align, exposure), bits)
        pair = read(Job(Path(src).name, Path(src), None if bgr is None else Path(bgr), {}))
        matter = self._service.alone() if bgr is None else self._service.matter()
        matte = matter.predict(pair.src, pair.bgr, ("pha", "fgr"))
        if pair.deep is not None:
            matte = deepened(matte, pair.src, pair.deep)
        made = Matted(pair, matte)
        with self._lock:
            self._kept[key] = made
            while sum(one.size for one in self._kept.values()) > self._room and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return made
