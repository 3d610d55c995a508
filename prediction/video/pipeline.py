"""Matting a video: decoding, the network, finishing and encoding at once, each in a thread of its own.

Between the threads lie queues of a frame or two, so that memory does not depend on the clip's length.
"""
from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from bgmatting.media.video.libav import import_av
from bgmatting.media.video.writer import RAW, RawWriter, open_writer
from bgmatting.model.inference.matte import as_float
from bgmatting.prediction.backdrop import behind
from bgmatting.prediction.rendering import GRAY, LINEAR, deepened, rendered, wanted_of
from bgmatting.prediction.report import Report, stop_on_signal
from bgmatting.prediction.source import as_source
from bgmatting.prediction.video.empty_scene import open_scene
from bgmatting.prediction.video.parallel import Ahead, at_once, sharing
from bgmatting.prediction.video.pipe import END, Cancelled, Pipe
from bgmatting.utils.errors import UserError

POLL = 0.2  # seconds after which a signal is looked for
LARGE = 4096 * 2304  # pixels above which queues are as short as can be, and one frame is worked on at a time


class VideoJob(NamedTuple):
    """A job: one video, and what to do with it.

    src: ``prediction.source.Source``, or the path or address of one. outputs: {"pha", "com", "fgr", "err", "ref": path};
    pictures: None, or of which images they are folders, as ``media.video.writer.open_writer``. bgr, fit: see
    ``video.empty_scene.open_scene``; bgr is None where none is needed. backdrop: ``prediction.backdrop.Backdrop``, or
    anything whose frame(index, src, bgr) gives what com is put before, uint8 RGB of src's size (src, and maybe the answer,
    is uint16 for deep videos); None for cut-outs with alpha. fit_background: (src, bgr) -> (bgr, list of warnings). smooth:
    (src, pha) -> pha, float32 (H, W), called for every frame in turn. delay: None, or a
    ``prediction.video.delay.OneFrameDelay`` in its place. premultiplied: cut-outs, as ``prediction.rendering.rendered``, and
    plates that are read, as ``media.exr_dpx.read_plate``. stdout: binary file that the output "-" is written to, by default
    the process's own.
    """
    src: Any
    outputs: dict
    bgr: Any = None
    fit: str | None = None
    backdrop: Any = None
    fit_background: Callable | None = None
    smooth: Callable | None = None
    delay: Any = None
    pictures: str | None = None
    premultiplied: bool = False
    stdout: Any = None


def matte_frames(open_matter: Callable[[], Any], job: VideoJob, on_progress: Callable | None = None) -> Report:
    """Matte a video and write its outputs. SIGINT and SIGTERM end it after the frame under way; what is written plays.

    Args:
        open_matter: () -> ``model.Matter``, or anything with its predict(src, bgr, want); called when src, bgr and
            outputs are known to be usable.
        on_progress: called with (frames done, frames in all or None) after every frame; what it raises ends the work.
    Raises:
        UserError: src, bgr or an output cannot be used. OSError: the disk is full; and whatever matter or a hook raises.
            Files hold the frames up to there and play, unless not even their end could be written; an error that came after
            the first frame has the Report as its attribute ``report``.
    """
    with ExitStack() as stack:
        source = stack.enter_context(as_source(job.src))
        reader, scene, notes = source.reader(premultiplied=job.premultiplied), None, []
        if job.bgr is not None:
            scene = open_scene(job.bgr, source.name, reader.info, job.fit, notes, source.decoding, job.premultiplied)
            stack.callback(scene.close)
        with ExitStack() as undo:  # an encoder or a network that cannot be used leaves nothing
            writers = _open_writers(job, reader, undo)  # first: the network takes longer
            matter = open_matter()
            undo.pop_all()
        if any(writer.bits > 8 for writer in writers.values()):
            reader.want_depth(True)
        reader.want_samples(any(writer.needs_samples for writer in writers.values()))
        return _Run(matter, job._replace(src=source.name), reader, scene, writers, on_progress, notes).run()


class _Run:
    """One call of ``matte_frames``: the stages, and what they share."""

    def __init__(self, matter, job, reader, scene, writers, on_progress, warnings):
        self._matter, self._job, self._reader, self._scene = matter, job, reader, scene
        self._writers, self._on_progress = writers, on_progress
        info = reader.info
        self._large = info.width * info.height > LARGE
        size = 1 if self._large else 2
        self._light = any(writer.bits == LINEAR for writer in writers.values())
        self._decoded, self._matted = Pipe(size), Pipe(1)
        self._finished = {kind: Pipe(size) for kind in writers}
        self._wanted = wanted_of(writers)
        self._errors, self._warnings, self._files = [], warnings, {}
        self._unread = []  # what ended the reading: frames decoded before it are still worked on

    def run(self):
        """Start the threads, be the one that runs the network, and see all end."""
        started = time.perf_counter()
        threads = [self._thread(self._decode, self._decoded, errors=self._unread),
                   self._thread(self._finish, *self._finished.values())]
        threads += [self._thread(lambda kind=kind: self._write(kind)) for kind in self._writers]
        with stop_on_signal() as stopped:
            for thread in threads:
                thread.start()
            try:
                self._matte(stopped)
            except Cancelled:
                pass
            except BaseException as error:
                self._errors.append(error)
            finally:
                self._decoded.cancel()
                self._matted.close()
                for thread in threads:
                    thread.join()
        return self._report(time.perf_counter() - started, stopped())

    def _thread(self, work, *pipes, errors=None):
        """A thread that keeps its error and closes the pipes it fills, however it ends."""
        errors = self._errors if errors is None else errors

        def body():
            try:
                work()
            except Cancelled:
                pass
            except BaseException as error:
                errors.append(error)
            finally:
                for pipe in pipes:
                    pipe.close()
        return threading.Thread(target=body, daemon=True)

    def _decode(self):
        for frame in self._reader.items():
            self._decoded.put(frame)
            del frame  # or it would live on beside the one that is decoded next

    def _matte(self, stopped):
        index = 0
        with sharing(self._matter, 1 if self._large else at_once()) as workers, Ahead(workers) as ahead:
            while not self._errors and not stopped():
                frame = self._decoded.get(POLL)
                if frame is END:
                    break
                if frame is None:
                    self._pass_on(ahead.due())
                    continue
                bgr = call = None
                if frame.image is not None:
                    try:
                        bgr = self._background(frame, index)
                    except BaseException:
                        self._pass_on(ahead.due(0))  # the frames before this one are whole
                        raise
                    call = partial(self._predict, frame, bgr)
                    index += 1
                self._pass_on(ahead.push((index - 1, frame, bgr), call))
                del frame, bgr, call
            if not self._errors:
                self._pass_on(ahead.due(0))
        if self._large:
            self._release()

    def _predict(self, frame, bgr):
        deep = {"dtype": "float32"} if self._light or frame.deep is not None else {}  # also where bytes would do for 8 bits
        return self._matter.predict(frame.image, bgr, want=self._wanted, **deep)

    def _pass_on(self, done):
        in_all = _in_all(self._reader.info)
        for (index, frame, bgr), matte in done:
            if self._large:
                self._delayed(index, frame, bgr, matte)
            else:
                self._matted.put((index, frame, bgr, matte))
            if matte is not None and self._on_progress is not None:
                self._on_progress(index + 1, None if in_all is None else max(in_all, index + 1))
            del frame, matte, bgr

    def _background(self, frame, index):
        if self._scene is None:
            return None
        src, info = frame.image, self._reader.info
        bgr = self._scene.frame(index if info.first is None else round(frame.pts * info.rate))
        if self._job.fit_background is None:
            return bgr
        bgr, notes = self._job.fit_background(src, bgr)
        self._warnings += [note for note in notes if note not in self._warnings]
        return bgr

    def _finish(self):
        try:
            while True:
                item = self._matted.get()
                if item is END:
                    break
                self._delayed(*item)
                del item
            self._release()
        finally:
            self._matted.cancel()

    def _delayed(self, index, frame, bgr, matte):
        """Hand a frame on, or with a delay the ones that are now ready."""
        if self._job.delay is None:
            self._hand_on(index, frame, bgr, matte)
            return
        pha = None if matte is None or matte.pha is None else as_float(matte.pha)
        for item, smooth in self._job.delay.push((index, frame, bgr, matte), pha):
            self._hand_on(*item[:3], item[3] if smooth is None else item[3]._replace(pha=smooth))

    def _release(self):
        """At the end of the frames, hand on what was held back."""
        for item, _ in self._job.delay.flush() if self._job.delay is not None else ():
            self._hand_on(*item)

    def _hand_on(self, index, frame, bgr, matte):
        """Make images of a matte, of 16 bits where the frame has more than 8, and give each writer its own."""
        pictures = {}
        if matte is not None:
            if self._job.smooth is not None and matte.pha is not None:
                matte = matte._replace(pha=self._job.smooth(frame.image, as_float(matte.pha)))
            scene = self._behind(index, frame, bgr)
            bits = LINEAR if self._light else 8 if frame.deep is None else 16
            pictures = rendered(deepened(matte, frame.image, frame.deep), self._writers, bits, scene,
                                self._job.premultiplied)
        for kind, pipe in self._finished.items():
            pipe.put((pictures.get(kind), frame.pts, frame.duration, frame.audio))

    def _behind(self, index, frame, bgr):
        """The background of this frame's com, uint8 or uint16 RGB; None for a cut-out, or without com."""
        if self._job.backdrop is None or "com" not in self._writers:
            return None
        src = frame.image if frame.deep is None else frame.deep
        if src.dtype == np.float32:
            src = np.rint(np.clip(src, 0, 1) * 65535).astype(np.uint16)
        found = behind(self._job.backdrop, frame.pts, index, src, bgr)
        if found.shape != src.shape:
            raise UserError(f"the new background is {found.shape[1]}x{found.shape[0]}, but the video is "
                            f"{src.shape[1]}x{src.shape[0]}.")
        return found

    def _write(self, kind):
        writer, pipe = self._writers[kind], self._finished[kind]
        try:
            while True:
                item = pipe.get()
                if item is END:
                    break
                writer.write(*item)
                del item
        finally:
            pipe.cancel()
            writer.close()
            if writer.frames:
                self._files[kind] = Path(self._job.outputs[kind])

    def _report(self, seconds, stopped):
        frames = min((self._writers[kind].frames for kind in self._files), default=0)
        notes = [self._reader.note, *(writer.warning for writer in self._writers.values())]
        notes = [note for note in notes if note] + _lost(self._job, self._reader.info, self._writers) + self._warnings
        if self._reader.missing:
            notes.append(f"{self._job.src} ends {self._reader.missing:.1f} s before its header says: it is cut short.")
        if self._reader.damaged:
            notes.append(f"{self._reader.damaged} damaged frames or packets of {self._job.src} were left out.")
        report = Report(self._files, frames, seconds, stopped, notes, damaged=self._reader.damaged)
        if self._errors or self._unread:
            error = (self._errors + self._unread)[0]
            error.report = report
            raise error
        return report


def _lost(job, info, writers):
    """Lines about what a video has and what is written of it has not."""
    cure = "png keeps" if info.depth > 10 else "mov or png keeps"
    lines = [f"{job.outputs[kind]} has {writer.bits} bits a colour; {job.src} has {info.depth}. --format {cure} them."
             for kind, writer in writers.items() if writer.bits < (min(info.depth, 10) if kind in GRAY else info.depth)]
    if info.light.changing:
        lines.append(f"{job.src} has {' and '.join(info.light.changing)}, which says anew for each scene how it is to be "
                     f"shown; that is not kept.")
    return lines


def _open_writers(job, reader, undo):
    """{type: writer}; ``undo`` drops them."""
    import_av()
    writers = {}
    for kind, path in job.outputs.items():
        alpha = kind == "com" and job.backdrop is None
        writers[kind] = (RawWriter(job.stdout or sys.stdout.buffer) if path == RAW else
                         open_writer(path, reader.info, alpha, reader.audio, kind in GRAY, job.pictures))
        undo.callback(writers[kind].drop)
    return writers


def _in_all(info):
    """How many frames are to be expected, or None."""
    if info.frames:
        return info.frames
    return None if info.duration is None else max(1, round(info.duration * info.rate))
