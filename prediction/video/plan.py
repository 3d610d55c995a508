"""Which files are made of a video, and whether they may be written."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from bgmatting.media import VIDEO_SUFFIXES
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.picture_folder import check_replaceable
from bgmatting.media.video.writer import FORMATS, check_alpha
from bgmatting.prediction.options import Options
from bgmatting.prediction.outputs import NAMED, check_free, names_picture, too_long
from bgmatting.utils.errors import UserError


def planned_outputs(options: Options) -> dict[str, Path]:
    """{type: Path} of what ``options`` ask for. Raises UserError where an output cannot be made, or may not be replaced."""
    if names_picture(options.output, (*NAMED, *VIDEO_SUFFIXES)):
        raise UserError(f"--output {options.output} looks like a file; for a video it is the folder for the results.")
    outputs = video_outputs(options.src, options.output, options.type or ("pha", "com"), options.target_bgr is None,
                            options.format)
    check_outputs(outputs, (options.src, options.bgr, options.target_bgr), options.overwrite)
    return outputs


def video_outputs(src: str, folder: str, types: Iterable[str], cut_out: bool, chosen: str | None = None) -> dict[str, Path]:
    """{type: Path}: FOLDER/NAME_pha.mp4, FOLDER/NAME_com.mov and so on.

    Args:
        src: path or address of the video. folder: for the results. types: of pha, com, fgr, err, ref.
        cut_out: com has alpha, rather than a new background.
        chosen: "mp4", "mov", "webm", "png" for all; None: mov for cut-outs, mp4 for the others.
    Raises:
        UserError: unknown format, one that cannot hold alpha, or an output would land on src.
    """
    name = Path(urlsplit(str(src)).path if is_url(src) else src).stem or "video"
    outputs = {}
    for kind in types:
        alpha = kind == "com" and cut_out
        format = chosen or ("mov" if alpha else "mp4")
        path = Path(folder, f"{name}_{kind}")
        if alpha or format not in FORMATS:
            check_alpha(format, path)
        outputs[kind] = Path(f"{path}{FORMATS[format].suffix}")
    if too_long(outputs):
        raise UserError(f"{src}: {too_long(outputs)}")
    return outputs


def check_outputs(outputs: dict[str, Path], inputs: Iterable[str | None], overwrite: bool) -> None:
    """Raises UserError where an output exists and may not be overwritten, or is one of the inputs."""
    check_free(outputs.values(), inputs, overwrite)
    for path in filter(Path.exists, outputs.values()):
        if not path.suffix:
            check_replaceable(path)
        elif path.is_dir():
            raise UserError(f"{path} is a folder. Move it, or name another folder with --output.")
