"""Films of a stand-in network, for tests of the threads of a run."""
import threading
import time

import numpy as np

from bgmatting.media.video.reader import open_video
from bgmatting.prediction.video.pipeline import VideoJob, matte_video
from tests.media.video.clips import StandIn


def job(folder, words=("pha",), suffix=".mp4", **more):
    return VideoJob(folder / "src.mp4", {word: folder / "o" / f"{word}{suffix}" for word in words}, folder / "bgr.png",
                    **more)


def matted(matter, wanted, on_progress=None):
    return matte_video(lambda: matter, wanted, on_progress)


def within(seconds, work):
    """Run ``work`` in a thread; its result or error; a run that hangs fails."""
    found = []

    def body():
        try:
            found.append((work(), None))
        except BaseException as error:
            found.append((None, error))
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "hangs"
    if found[0][1] is not None:
        raise found[0][1]
    return found[0][0]


class Boom(Exception):
    pass


def fails_after(number, result=None):
    calls = []

    def call(*_, **__):
        calls.append(1)
        if len(calls) > number:
            raise Boom
        return result(*_) if result else None
    return call


class Several(StandIn):
    """Works on several frames at once, of which the later ones are done sooner; frames are told from their ``shades``."""
    streams = 1

    def __init__(self, shades=(), fails=None):
        super().__init__()
        self._shades, self._fails, self.most, self._now, self._lock = shades, fails, 0, 0, threading.Lock()

    def predict(self, src, bgr, want=()):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        number = int(np.abs(np.array(self._shades) - src.mean()).argmin()) if len(self._shades) else 0
        time.sleep(0.03 if number % 3 == 0 else 0.001)
        with self._lock:
            self._now -= 1
        if number == self._fails:
            raise Boom
        return super().predict(src, bgr, want)


def shades(clip):
    return [float(frame.image.mean()) for frame in open_video(clip / "src.mp4")]
