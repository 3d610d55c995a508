"""State that all requests share: the network, the lines, the folders."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bgmatting.web.lanes import Lane
from bgmatting.web.workplace import Workplace


class Service:
    """The network and what is around it.

    Args:
        settings: ``web.settings.Settings``. open_matter: () -> ``model.Matter``; called once, when ``open`` or the first
            request wants it. open_alone: the same of a network that needs a photo alone, or None where there is none.
    Attributes:
        settings; photos, films: ``Lane``; workplace: ``Workplace``.
    """

    def __init__(self, settings, open_matter, open_alone=None):
        self.settings, self._open_matter, self._open_alone, self._alone = settings, open_matter, open_alone, None
        self._matter, self._lock, self._started = None, threading.Lock(), time.monotonic()
        self.photos, self.films = Lane("photos", settings.queue), Lane("films", settings.queue)
        # The thread that imports paddle has to stay: where it ends, paddle is in static mode for threads that begin later,
        # and no other network can be built.
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="opener")
        self.workplace = Workplace(settings.keep_seconds)

    @property
    def ready(self):
        """Whether the network is open."""
        return self._matter is not None

    @property
    def uptime(self):
        """Seconds."""
        return time.monotonic() - self._started

    def matter(self):
        """The network. Raises UserError where it cannot be opened."""
        with self._lock:
            if self._matter is None:
                self._matter = self._opener.submit(self._open_matter).result()
            return self._matter

    @property
    def has_alone(self):
        """Whether photos can be matted without their scene."""
        return self._open_alone is not None

    def alone(self):
        """The network that mattes photos without their scene. Raises UserError where it cannot be opened."""
        with self._lock:
            if self._alone is None:
                self._alone = self._opener.submit(self._open_alone).result()
            return self._alone

    def facts(self):
        """Facts on the network for the outside: its settings without places of this machine."""
        if not self.ready:
            return {}
        settings = self._matter.settings
        return {name: settings.get(name) for name in ("backend", "device", "precision", "backbone", "backbone_scale",
                                                      "refine_mode", "sample_pixels", "sha256", "unmix")}

    def close(self):
        """Give everything back."""
        self.photos.close()
        self.films.close()
        self._opener.shutdown(wait=False, cancel_futures=True)
        self.workplace.close()
