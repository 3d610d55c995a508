"""Where outputs are written: names made from the source's name, and checks of what stands there."""
from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bgmatting.media import PHOTO_SUFFIXES
from bgmatting.media.unsupported import OTHER_KINDS
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import LONGEST_NAME, identity

SUFFIXES = {"png": ".png", "webp": ".webp", "tiff": ".tif", "jpg": ".jpg"}
NAMED = {".png": "png", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".jpg": "jpg", ".jpeg": "jpg"}
FILES = {*PHOTO_SUFFIXES, *(suffix for _, suffixes, _ in OTHER_KINDS for suffix in suffixes),  # of images and videos
         ".asf", ".f4v", ".ico", ".m2v", ".mxf", ".pbm", ".pgm", ".ppm", ".rm", ".rmvb", ".tga", ".vob", ".y4m"}


def beside_each_other(folder: str | Path, stem: str, types: Iterable[str], suffix: str) -> dict[str, Path]:
    """{type: FOLDER/STEM_TYPE.SUFFIX}, the outputs of a photo or video alone."""
    return {kind: Path(folder, f"{stem}_{kind}{suffix}") for kind in types}


def in_folders(folder: Path, name: str, types: Iterable[str], suffix: str) -> dict[str, Path]:
    """{type: FOLDER/TYPE/NAME.SUFFIX}, the outputs of one photo of a folder; ``name`` may have folders."""
    return {kind: folder / kind / f"{name}{suffix}" for kind in types}


def names_picture(output: str | os.PathLike, suffixes: Iterable[str]) -> bool:
    """True where the path ``output`` names an image to write, and not a folder, which may end in a slash."""
    if str(output).endswith(("/", os.sep)):
        return False
    output = Path(output)
    return output.suffix.lower() in suffixes and not output.is_dir()


def check_output(output: str, source: str, written: Iterable[str] = ()) -> None:
    """Raise UserError where ``output`` is called as an image or video that a source is not written as. source: what it is,
    in words; written: the suffixes of files that may be named in place of a folder."""
    if names_picture(output, FILES) and not names_picture(output, written):
        file = f"a file ({', '.join(written)}) or " if written else ""
        raise UserError(f"--output {output} looks like a file; for {source} it is {file}the folder for the results. "
                        f"{output}/ is a folder.")


def check_free(paths: Iterable[str | Path], inputs: Iterable[str | Path | None], overwrite: bool,
               flag: str = "--output") -> None:
    """Raise UserError where a file or folder of images to write is one of the inputs or holds one, or exists and may not be
    replaced. flag: that named it."""
    inputs = {os.path.realpath(path) for path in inputs if path is not None}
    inputs |= {os.path.dirname(path) for path in inputs}
    known = set(map(identity, inputs)) - {None}
    for path in paths:
        if os.path.realpath(path) in inputs or identity(path) in known:
            raise UserError(f"{path} would be overwritten, and it is an input. Name another place with {flag}.")
        if not overwrite and os.path.lexists(path):
            raise UserError(f"{path} exists. --overwrite replaces it; {flag} names another place.")


def folder_of(output: str, is_file: bool) -> str:
    """The folder that results go to, where ``output`` is the folder itself, or a file in it."""
    if not is_file:
        return output
    return os.path.dirname(output) or "."


def too_long(outputs: dict[str, Path]) -> str | None:
    """Why a file system does not take the name of a result; None where it does."""
    longest = max((path.name for path in outputs.values()), key=lambda name: len(os.fsencode(name)))
    if len(os.fsencode(longest)) <= LONGEST_NAME:
        return None
    return (f"its result's name would have {len(os.fsencode(longest))} bytes, and {LONGEST_NAME} are possible. Shorten "
            f"that of the source.")
