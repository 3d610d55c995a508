"""State that all requests share: the network, the lines, the folders, the processes that decode."""
from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bgmatting.media.decoding import InPlace, Isolated
from bgmatting.media.video.isolated import CLASSES
from bgmatting.prediction.source import SAMPLE
from bgmatting.utils.isolation import Limits, Workers
from bgmatting.utils.machine import free_memory
from bgmatting.web.lanes import Lane
from bgmatting.web.settings import Settings
from bgmatting.web.storage import Storage

CALLS = 3      # processes that look at uploads and read photos, kept warm
STREAMS = 6    # videos that are read at once: src, bgr and target of a job, target of a photo, two to spare
MODULES = ("bgmatting.prediction.photos.read_pair", "bgmatting.prediction.video.empty_scene", "bgmatting.web.inspection")
BYTES = 12     # of a pixel in an answer: 16 and 8 bits a channel, and something to spare


def decoders(settings: Settings, folders: Sequence[Path]) -> Isolated:
    """The processes that decode what lies in ``folders``, as ``settings`` allow."""
    free, memory = free_memory(), int(settings.decode_mib * 2 ** 20)
    limits = Limits(settings.decode_seconds, 2 * settings.decode_seconds, memory if free is None else min(memory, free),
                    BYTES * settings.max_pixels + (64 << 20))
    modules = (*MODULES, *(["av"] if importlib.util.find_spec("av") else []))
    calls, streams = (Workers(count, limits, modules, CLASSES, ready, folders)
                      for count, ready in ((CALLS, CALLS), (STREAMS, 1)))
    return Isolated(calls, streams, settings.max_frames)


class Service:
    """The network and what is around it.

    Args:
        open_matter: () -> ``model.Matter``; called once, when the first request wants it. open_alone: the same of a network
            that needs a photo alone, or None where there is none.
        decoding: one of ``media.decoding`` that others close; None: ``decoders`` of its own.
    """

    def __init__(self, settings: Settings, open_matter: Callable[[], Any], open_alone: Callable[[], Any] | None = None,
                 decoding: InPlace | Isolated | None = None):
        self.settings, self._open_matter, self._open_alone, self._alone = settings, open_matter, open_alone, None
        self._matter, self._lock = None, threading.Lock()
        self.photos, self.films = Lane("photos", settings.queue), Lane("films", settings.queue)
        # The thread that imports paddle has to stay: where it ends, paddle is in static mode for threads that begin later,
        # and no other network can be built.
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="opener")
        self.storage = Storage(settings.keep_seconds, settings.max_spool_mib * 2 ** 20)
        self._own = None if decoding else decoders(settings, [self.storage.root, Path(SAMPLE[0]).parent])
        self.decoding = decoding or self._own

    @property
    def ready(self) -> bool:
        """Whether the network is open."""
        return self._matter is not None

    def matter(self) -> Any:
        """The network. Raises UserError where it cannot be opened."""
        with self._lock:
            if self._matter is None:
                self._matter = self._opener.submit(self._open_matter).result()
            return self._matter

    @property
    def has_alone(self) -> bool:
        """Whether photos can be matted without their scene."""
        return self._open_alone is not None

    def alone(self) -> Any:
        """As ``matter``, of the network that needs a photo alone."""
        with self._lock:
            if self._alone is None:
                self._alone = self._opener.submit(self._open_alone).result()
            return self._alone

    def facts(self) -> dict[str, Any]:
        """Facts on the network for the outside: its settings without places of this machine."""
        if not self.ready:
            return {}
        settings = self._matter.settings
        return {name: settings.get(name) for name in ("backend", "device", "precision", "backbone", "backbone_scale",
                                                      "refine_mode", "sample_pixels", "sha256", "unmix")}

    def close(self) -> None:
        """Give everything back."""
        self.photos.close()
        self.films.close()
        self._opener.shutdown(wait=False, cancel_futures=True)
        if self._own is not None:
            self._own.close()
        self.storage.close()
