"""Which files are made of a video, and whether they may be written."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from bgmatting.media.exr_dpx import import_oiio, is_plate
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.picture_folder import check_replaceable
from bgmatting.media.video.sequence import is_sequence, name_of
from bgmatting.media.video.writer import FORMATS, RAW, check_alpha
from bgmatting.prediction.inputs import inputs_of
from bgmatting.prediction.options import ONE_OF, PIPE, SEQUENCE, VIDEO, Options
from bgmatting.prediction.output_paths import beside_each_other, check_free, check_output, too_long
from bgmatting.utils.errors import UserError


def pictures_format(options: Options, kind: str) -> str | None:
    """"exr" or "png": the images of a folder that a source of ``kind`` is written as; None: it becomes videos or raw
    frames."""
    if options.format is None and kind == SEQUENCE and options.src != PIPE:
        return "exr" if is_plate(options.src) else "png"
    return options.format if options.format in ("exr", "png") else None


def planned_outputs(options: Options, kind: str = VIDEO) -> dict[str, Path]:
    """{type: Path} of what ``options`` ask for, of a source of ``kind``. Raises UserError where an output cannot be made, or
    may not be replaced."""
    if options.output == PIPE:
        if len(options.type or ("com",)) > 1 or options.format is not None:
            raise UserError("--output - is raw frames of one --type: gray, RGB, or RGBA for cut-outs. Leave the others, and "
                            "--format, out.")
        return {(options.type or ("com",))[0]: RAW}
    check_output(options.output, ONE_OF[kind])
    pictures = pictures_format(options, kind)
    if pictures == "exr":
        import_oiio()
    outputs = video_outputs(options.src, options.output, options.type or ("pha", "com"), options.target_bgr is None,
                            pictures or options.format)
    _check_outputs(outputs, options, pictures is not None)
    return outputs


def video_outputs(src: str, folder: str, types: Iterable[str], cut_out: bool, chosen: str | None = None) -> dict[str, Path]:
    """{type: Path}: FOLDER/NAME_pha.mp4, FOLDER/NAME_com.mov and so on.

    Args:
        src: path or address of the video. cut_out: com has alpha, rather than a new background. chosen: a format for
            all; None: mov for cut-outs, mp4 for the others.
    Raises:
        UserError: unknown format, or one that cannot hold alpha, or a name that is too long.
    """
    if is_sequence(src):
        name = name_of(src)
    else:
        name = "stdin" if src == PIPE else Path(urlsplit(str(src)).path if is_url(src) else src).stem or "video"
    outputs = {}
    for kind in types:
        alpha = kind == "com" and cut_out
        format = chosen or ("mov" if alpha else "mp4")
        path = Path(folder, f"{name}_{kind}")
        if alpha or format not in FORMATS:
            check_alpha(format, path)
        outputs.update(beside_each_other(folder, name, (kind,), FORMATS[format].suffix))
    if too_long(outputs):
        raise UserError(f"{src}: {too_long(outputs)}")
    return outputs


def _check_outputs(outputs, options, folders):
    """Raises UserError where an output exists and may not be overwritten, or is one of the inputs. folders: they are folders
    of images."""
    check_free(outputs.values(), inputs_of(options), options.overwrite)
    for path in filter(Path.exists, outputs.values()):
        if folders:
            check_replaceable(path)
        elif path.is_dir():
            raise UserError(f"{path} is a folder. Move it, or name another folder with --output.")
