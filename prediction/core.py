"""Mattes of a source: the one way that the command line, the page, the HTTP API, the camera and Python take.

    matte_photo   one photo            matte_video   a video, an animation, a stream, a sequence of images
    matte_photos  a folder of photos   matte_camera  a camera, live
    matte         whichever the source is

All take (source, options, matter, progress) and return a ``Report``. Nobody else opens a network by the options, chooses how
backgrounds are fitted, holes are filled, frames are paced or smoothed, plans files, or renders images.
"""
from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Union

from bgmatting.media.alignment.camera_motion import fitter
from bgmatting.media.decoding import HERE, Isolated
from bgmatting.model.inference.trimap import AutoTrimap
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.network_choice import choose, open_matter
from bgmatting.prediction.options import (
    CAMERA,
    FILMS,
    KINDS,
    ONE_OF,
    PHOTO,
    PHOTOS,
    PIPE,
    SEQUENCE,
    STILL,
    VIDEO,
    Options,
    checked,
)
from bgmatting.prediction.output_paths import NAMED, folder_of, names_picture
from bgmatting.prediction.pace import frame_pixels, paced
from bgmatting.prediction.photos.pipeline import Work, reason_of
from bgmatting.prediction.photos.plan import photo_jobs, pictures_of
from bgmatting.prediction.photos.read_pair import PairReader, photo
from bgmatting.prediction.photos.sheet import open_sheet
from bgmatting.prediction.progress import Progress, as_progress
from bgmatting.prediction.report import Report, stop_on_signal
from bgmatting.prediction.smoothing import Smoother
from bgmatting.prediction.source import SAMPLE, Source, as_source, is_video
from bgmatting.prediction.video.delay import OneFrameDelay
from bgmatting.prediction.video.pipeline import VideoJob, matte_frames
from bgmatting.prediction.video.plan import pictures_format, planned_outputs
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_place, prepare_folder, remove_leftovers
from bgmatting.utils.isolation import Limits, Workers

DECODING = Limits(seconds=300.0, cpu_seconds=600.0, memory=8 << 30, answer=2 << 30)  # of one photo, the largest included

AnySource = Union[Source, str, os.PathLike, None]
AnyMatter = Any  # a Matter, or (options) -> one
AnyProgress = Union[Progress, Callable, None]


def matte(source: AnySource = None, options: Options | None = None, matter: AnyMatter = None, progress: AnyProgress = None,
          **fields: Any) -> Report:
    """Matte a source of any kind.

    Args:
        source: a ``Source``, or what it takes; None: what ``options.src`` names, and without that the project's sample pair.
        options: what to do, by default ``Options()``.
        matter: a ``model.Matter``, or (options) -> one, which is called when all else is known to be well; it stays open.
            None: the network that the options ask for.
        progress: a ``prediction.progress.Progress``, or called with (photos or frames done, how many in all or None).
        fields: of ``Options``, in place of those of ``options``.

    Returns:
        ``Report``.

    Raises:
        UserError: something cannot be used, or not together; one photo cannot be done (of a folder such photos are listed in
            the Report). OSError: the disk is full; what is written is whole. An error that came in the middle of a folder or
            video has the Report up to there as its attribute ``report``. What ``progress`` raises.
    """
    return _run(source, options, matter, progress, fields, KINDS)


def matte_photo(source: AnySource = None, options: Options | None = None, matter: AnyMatter = None,
                progress: AnyProgress = None, **fields: Any) -> Report:
    """Matte one photo; arguments, result and errors as ``matte``."""
    return _run(source, options, matter, progress, fields, (PHOTO,))


def matte_photos(source: AnySource, options: Options | None = None, matter: AnyMatter = None, progress: AnyProgress = None,
                 **fields: Any) -> Report:
    """Matte a folder of photos; arguments, result and errors as ``matte``."""
    return _run(source, options, matter, progress, fields, (PHOTOS,))


def matte_video(source: AnySource, options: Options | None = None, matter: AnyMatter = None, progress: AnyProgress = None,
                **fields: Any) -> Report:
    """Matte a video or a sequence; arguments, result and errors as ``matte``."""
    return _run(source, options, matter, progress, fields, FILMS)


def matte_camera(source: AnySource, options: Options | None = None, matter: AnyMatter = None, progress: AnyProgress = None,
                 **fields: Any) -> Report:
    """Matte a camera until a key or a signal ends it; arguments, result and errors as ``matte``."""
    return _run(source, options, matter, progress, fields, (CAMERA,))


def settled(source: AnySource = None, options: Options | None = None, given: bool = False,
            **fields: Any) -> tuple[Source, Options]:
    """(source, options) as all is done by: checked for the kind of source, and with a ``Choice``, unless the network is
    ``given``; the others as ``matte``. Raises UserError for all that can be said before a file is opened."""
    options = replace(options or Options(), **fields)
    source = options.src if source is None else source
    sample = source is None
    if sample:
        if options.bgr is not None:
            raise UserError(f"--bgr {options.bgr} needs its --src: the photo with the subject.")
        source, options = SAMPLE[0], replace(options, bgr=SAMPLE[1], overwrite=True)  # it may be done again
    source = Source(PIPE, SEQUENCE) if source == PIPE and options.size is not None else as_source(source)
    options = checked(replace(options, src=source.name), source.kind)
    if options.output == PIPE and source.kind not in FILMS:
        raise UserError(f"--output - takes frames, and {source.name} is {ONE_OF[source.kind]}. Name a folder or image.")
    if source.kind in STILL:
        pictures_of(options, source.kind == PHOTO)
    elif source.kind in FILMS:
        planned_outputs(options, source.kind)
    if not given and options.choice is None:
        options = choose(options, source, sample)
    return source, options


def _run(source, options, matter, progress, fields, kinds):
    source, options = settled(source, options, matter is not None, **fields)
    if source.kind not in kinds:
        raise UserError(f"{source.name} is {ONE_OF[source.kind]}, and not {ONE_OF[kinds[0]]}.")
    progress = as_progress(progress)
    with source, ExitStack() as stack:
        def network():
            """The network, opened once all else is known to be well."""
            opened = matter
            if opened is None:
                opened = open_matter(options)
                stack.callback(getattr(opened, "close", lambda: None))
            elif not hasattr(opened, "predict"):
                opened = opened(options)
            progress.network(opened.settings)
            return opened
        return _DO[source.kind](source, options, network, progress)


def fitting(matter: Any, options: Options, kind: str, note: Callable[[str], None] | None = None) -> Any:
    """A network as sources of ``kind`` are matted by it: how fine its numbers are, whether holes are filled, how frames are
    paced. What is given stays as it is. ``note``: called with a remark on the pace."""
    if isinstance(matter, AutoTrimap):
        return AutoTrimap(*(fitting(part, options, kind, note) for part in (matter.first, matter.second)))
    if hasattr(matter, "with_settings"):
        bits = 16 if kind == SEQUENCE else options.bits  # plates are finer than 8 bits
        fewer = {} if kind in STILL or options.sample_pixels is not None else frame_pixels(matter.settings)
        fill = kind in STILL and options.fill and matter.settings.fill
        matter = matter.with_settings(bits=bits, fill=fill, **fewer)
    return matter if kind in STILL else paced(matter, options.fps, options.backbone_scale, note)


def _photos(source, options, network, progress):
    single = source.kind == PHOTO
    if single or source.decoding is not HERE:
        return _planned(options, single, network, progress, source.decoding, source.decoding)
    with Workers(1, DECODING, [photo.__module__], ready=1) as workers:  # a decoder that crashes costs one photo
        return _planned(options, False, network, progress, Isolated(workers, workers), HERE)


def _planned(options, single, network, progress, decoding, behind):
    """decoding: of the pairs; behind: of what they are set before."""
    pictures = pictures_of(options, single)
    plan = photo_jobs(options, pictures)
    folder = folder_of(options.output, single and names_picture(options.output, NAMED))
    check_place(folder)
    notes = [*plan.notes, *_doubts(options)]
    sheet = open_sheet(options, single, (path for job in plan.jobs for path in job.outputs.values()), notes)
    with open_backdrop(options.target_bgr, notes, behind) or nullcontext() as backdrop:
        read = _reader(options, plan, single, pictures.bits, decoding.call)
        for note in notes:
            progress.note(note)
        matter = None
        if plan.jobs:
            matter = fitting(network(), options, PHOTO)
            prepare_folder(folder)
            remove_leftovers(path for job in plan.jobs for path in job.outputs.values())
        done = itertools.count(1)
        work = Work(read, matter, pictures.bits, backdrop, sheet,
                    lambda photo: progress.photo(photo, next(done), len(plan.jobs)), options.premultiplied, options.crop)
        report = _worked(work, plan, single, notes)
    if single and work.failures:
        raise UserError(work.failures[0].reason)
    try:
        if sheet is not None and sheet.write():
            report = report._replace(sheet=Path(sheet.path))
    except (OSError, UserError) as error:
        error.report = report
        raise
    return report


def _worked(work, plan, single, notes):
    """The ``Report`` of a plan's work. Where the disk is full, the error takes it along."""
    started, stopped = time.perf_counter(), False

    def report():
        made = {photo.job.name: photo.job.outputs for photo in work.done}
        said = [note if single else f"{photo.job.name}: {note}" for photo in work.done for note in photo.notes]
        failures = sorted([*plan.failures, *((photo.job.name, photo.reason) for photo in work.failures)])
        return Report(next(iter(made.values()), {}) if single else made, len(work.done), time.perf_counter() - started,
                      stopped, [*notes, *said], failures, plan.finished,
                      len(plan.jobs) - len(work.done) - len(work.failures), plan.left_out)
    try:
        with stop_on_signal() as wanted:
            work.run(plan.jobs, wanted)
            stopped = wanted() and len(work.done) + len(work.failures) < len(plan.jobs)
    except OSError as error:
        error.report = report()
        raise
    return report()


def _reader(options, plan, single, bits, decode):
    """job -> ``Pair``. A single photo is read here and now: a flaw shows before the network is loaded."""
    read = PairReader(options.fit, fitter(options.align, options.exposure), bits,
                      options.choice and options.choice.method, decode)
    if not single:
        return read
    job = plan.jobs[0]
    try:
        pair = read(job)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{job.src}: {reason_of(error)}") from None
    return lambda job: pair


def _doubts(options):
    """Notes on files that are named twice."""
    if options.bgr is None:
        return []
    return [f"{flag} and --bgr name the same file, {options.bgr}. --bgr is the scene of src without the subject."
            for flag, path in (("--src", options.src), ("--target-bgr", options.target_bgr or ""))
            if os.path.exists(path) and os.path.exists(options.bgr) and os.path.samefile(path, options.bgr)]


def _video(source, options, network, progress):
    outputs, notes = planned_outputs(options, source.kind), _doubts(options)
    info = source.reader(options).info
    opened = open_backdrop(options.target_bgr, notes, source.decoding, options.premultiplied, info.rate, info.aspect)
    with opened or nullcontext() as backdrop:
        follow = options.bgr is None or not is_video(options.bgr, source.decoding)  # one bgr for all frames
        way = _smoothing(options)
        job = VideoJob(source, outputs, options.bgr, options.fit, backdrop,
                       fitter(options.align, options.exposure, video=follow), Smoother() if way == "flow" else None,
                       OneFrameDelay() if way == "ofd" else None, pictures_format(options, source.kind),
                       options.premultiplied, options.stdout)
        if options.output != PIPE:
            prepare_folder(options.output)
            remove_leftovers(outputs.values())
        report = matte_frames(lambda: fitting(network(), options, source.kind, progress.note), job, progress.frame)
    return report._replace(notes=[*notes, *report.notes])


def _smoothing(options):
    """One of ``prediction.smoothing.WAYS``, or None; "auto" is what suits the method."""
    if options.temporal != "auto":
        return options.temporal
    if options.choice is None:
        return "ofd" if options.needs is None else "flow"
    return (options.choice.first or options.choice).method.smoothing


def _camera(source, options, network, progress):
    from bgmatting.prediction.camera.run import run
    return run(options, lambda: fitting(network(), options, CAMERA, progress.note), progress)


_DO = {PHOTO: _photos, PHOTOS: _photos, VIDEO: _video, SEQUENCE: _video, CAMERA: _camera}
