"""Mattes of pairs, kept for a while: another backdrop or file format does not matte the pair again."""
import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from prediction.alignment.fitter import fitter
from prediction.photos.pairs import PairReader
from prediction.photos.plan import Job
from utils.files import file_sha256

ROOM = 512 << 20  # bytes of mattes that are kept


class Matted(NamedTuple):
    """pair: ``prediction.photos.pairs.Pair``; matte: pha, fgr of ``model.Matte``."""
    pair: Any
    matte: Any

    @property
    def size(self):
        """Bytes."""
        return self.pair.src.nbytes + self.pair.bgr.nbytes + self.matte.pha.nbytes + self.matte.fgr.nbytes


class Mattes:
    """The mattes that were made last.

    Args:
        service: ``web.service.Service``. room: bytes that they may take.
    """

    def __init__(self, service, room=ROOM):
        self._service, self._room, self._kept, self._lock = service, room, OrderedDict(), threading.Lock()

    def get(self, src, bgr, fit=None, align="auto", exposure="auto"):
        """The ``Matted`` of two files; made, in line with all other photos, where it is not kept.

        Raises:
            UserError: as predict.py says it. Refused: the line is full.
        """
        key = hashlib.sha256(repr((file_sha256(src), file_sha256(bgr), fit, align, exposure)).encode()).digest()
        found = self._find(key)
        if found is None:
            found = self._service.photos.submit(self._make, key, src, bgr, (fit, align, exposure)).result()
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
        fit, align, exposure = how
        pair = PairReader(fit, fitter(align, exposure))(Job(Path(src).name, Path(src), Path(bgr), {}))
        matte = self._service.matter().predict(pair.src, pair.bgr, ("pha", "fgr"))
        made = Matted(pair, matte)
        with self._lock:
            self._kept[key] = made
            while sum(one.size for one in self._kept.values()) > self._room and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return made
