"""predict.py for a video: what to write where, checked before any work; then the work, and what came of it."""
import sys
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from bgmatting.media import VIDEO_SUFFIXES
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.picture_folder import check_replaceable
from bgmatting.media.video.writer import FORMATS, check_alpha
from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.outputs import NAMED, names_picture, too_long
from bgmatting.prediction.pace import paced
from bgmatting.prediction.progress import FrameProgress, announced
from bgmatting.prediction.smoothing import Smoother
from bgmatting.prediction.source import is_video_source
from bgmatting.prediction.video.delay import OneFrameDelay
from bgmatting.prediction.video.pipeline import VideoJob, matte_video
from bgmatting.utils.cli import say
from bgmatting.utils.errors import UserError, no_space
from bgmatting.utils.files import prepare_folder, remove_leftovers


def video_outputs(src, folder, types, cut_out, video_format=None):
    """{type: Path}: FOLDER/NAME_pha.mp4, FOLDER/NAME_com.mov and so on.

    Args:
        src: path or address of the video. folder: for the results. types: of pha, com, fgr, err, ref.
        cut_out: com has alpha, rather than a new background.
        video_format: "mp4", "mov", "webm", "png" for all; None: mov for cut-outs, mp4 for the others.
    Raises:
        UserError: unknown format, one that cannot hold alpha, or an output would land on src.
    """
    name = Path(urlsplit(str(src)).path if is_url(src) else src).stem or "video"
    outputs = {}
    for kind in types:
        alpha = kind == "com" and cut_out
        chosen = video_format or ("mov" if alpha else "mp4")
        path = Path(folder, f"{name}_{kind}")
        if alpha or chosen not in FORMATS:
            check_alpha(chosen, path)
        outputs[kind] = Path(f"{path}{FORMATS[chosen].suffix}")
    if too_long(outputs):
        raise UserError(f"{src}: {too_long(outputs)}")
    return outputs


def check_outputs(outputs, inputs, overwrite):
    """Raises UserError where an output exists and may not be overwritten, or is one of the inputs."""
    inputs = {Path(path).resolve() for path in inputs if path is not None and not is_url(path)}
    for path in outputs.values():
        if path.resolve() in inputs:
            raise UserError(f"{path} would be overwritten, and it is an input. Name another folder with --output.")
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists. Use --overwrite, or name another folder with --output.")
        if path.exists() and path.suffix and path.is_dir():
            raise UserError(f"{path} is a folder. Move it, or name another folder with --output.")
        if path.exists() and not path.suffix:
            check_replaceable(path)


def run(options, open_matter):
    """Matte the video of a command line.

    Args:
        options: ``prediction.options.Options``. open_matter: options -> the network, called once all inputs are known to
            be usable.
    Returns:
        exit code: 0, or 130 where a signal stopped it. The number of frames written is printed either way.
    Raises:
        UserError: something cannot be used. OSError: the disk is full.
    """
    if names_picture(options.output, (*NAMED, *VIDEO_SUFFIXES)):
        raise UserError(f"--output {options.output} looks like a file; for a video it is the folder for the results.")
    backdrop = None if options.target_bgr is None else open_backdrop(options.target_bgr)
    with backdrop or nullcontext():
        report = _matted(options, job_of(options, backdrop), open_matter)
    _tell(options.src, report)
    return 130 if report.stopped else 0


def job_of(options, backdrop):
    """The ``VideoJob`` of a command line. Raises UserError where an output cannot be made."""
    outputs = video_outputs(options.src, options.output, options.type or ("pha", "com"), backdrop is None,
                            options.video_format)
    check_outputs(outputs, (options.src, options.bgr, options.target_bgr), options.overwrite)
    follow = options.bgr is None or not is_video_source(options.bgr)  # one bgr for all frames
    way = _smoothing(options)
    return VideoJob(options.src, outputs, options.bgr, options.fit, backdrop,
                    fitter(options.align, options.exposure, video=follow), Smoother() if way == "flow" else None,
                    OneFrameDelay() if way == "ofd" else None)


def _smoothing(options):
    """One of ``prediction.smoothing.WAYS``, or None; "auto" is what suits the method."""
    if options.temporal != "auto":
        return options.temporal
    if options.choice is None:
        return "flow"
    return (options.choice.first or options.choice).method.smoothing


def _matted(options, job, open_matter):
    """The ``Report`` of a job; of one that ended by an error, what there is is said."""
    prepare_folder(options.output)
    remove_leftovers(job.outputs.values())
    progress = FrameProgress(Path(options.src).name)
    try:
        return matte_video(lambda: paced(announced(open_matter(options)), options.fps, options.backbone_scale), job,
                           progress)
    except Exception as error:
        progress.close()
        _tell_rest(getattr(error, "report", None), error)
        raise
    finally:
        progress.close()


def _tell(src, report):
    for warning in report.warnings:
        say(f"warning: {warning}", sys.stderr)
    if report.damaged:
        say(f"warning: {report.damaged} damaged frames or packets of {src} were left out.", sys.stderr)
    where = ", ".join(str(path) for path in report.files.values()) or "no file"
    if report.stopped:
        say(f"stopped after {report.frames} frames; they are in {where}", sys.stderr)
    else:
        say(f"{src}  {report.frames} frames  {report.fps:.1f} fps  {report.seconds:.1f} s  ->  {where}")


def _tell_rest(report, error):
    """Say what there is in spite of an error."""
    if report is None or not report.files:
        return
    why = "the disk is full" if no_space(error) else "an error"
    where = ", ".join(str(path) for path in report.files.values())
    say(f"ended by {why} after {report.frames} frames; they are in {where}", sys.stderr)
