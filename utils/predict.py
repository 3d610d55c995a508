"""From photos on disk to mattes on disk: which file goes with which, checked before any work, then one by one.

Output types: pha alpha (gray), com RGBA cut-out, fgr foreground colour, err predicted error (gray), ref refined (gray).
"""
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dataset.readers import check_partners, files_by_name
from utils.errors import UserError, no_space, suggest
from utils.media import read_image, write_image

TYPES = ("pha", "com", "fgr", "err", "ref")


class Job(NamedTuple):
    """One photo: src and bgr are files, outputs is {type: file to write}."""
    src: Path
    bgr: Path
    outputs: dict


def check_types(types):
    """The wanted output types, each once and in their order. Raises UserError for one that does not exist."""
    for word in types:
        if word not in TYPES:
            raise UserError(f"unknown type '{word}'.{suggest(word, TYPES)}")
    return tuple(dict.fromkeys(types))


def photo_jobs(src, bgr, output, types):
    """One job per photo.

    A photo gives OUTPUT/NAME_pha.png and so on. A folder gives OUTPUT/pha/RELATIVE/NAME.png; its backgrounds are
    one photo for all, or a folder with the same names (suffixes may differ).

    Args:
        src, bgr: a picture or a folder each; output: a folder; types: as ``check_types`` returns them.
    Raises:
        UserError: something is missing, unpaired or empty, or an output would land on or among the inputs.
    """
    src, bgr, output = Path(src), Path(bgr), Path(output)
    for path in (src, bgr):
        if not path.exists():
            raise UserError(f"no such picture or folder: {path}. Check the path.")
    if not src.is_dir():
        if bgr.is_dir():
            raise UserError(f"{bgr} is a folder, but {src} is one photo; name the one picture that belongs to it.")
        jobs = [Job(src, bgr, {word: output / f"{src.stem}_{word}.png" for word in types})]
    else:
        jobs = _folder_jobs(src, bgr, output, types)
    inputs = {path.resolve() for job in jobs for path in (job.src, job.bgr)}
    for job in jobs:
        for path in job.outputs.values():
            if path.resolve() in inputs:
                raise UserError(f"{path} would be overwritten, and it is an input. Name another folder with --output.")
    return jobs


def check_jobs(jobs):
    """Decode every input once, several at a time, so that a flaw shows before the first matte and not after an hour.

    Raises:
        UserError: a picture cannot be read, or src and bgr of a job differ in size.
    """
    paths = list(dict.fromkeys(path for job in jobs for path in (job.src, job.bgr)))
    with ThreadPoolExecutor() as pool:
        sizes = dict(zip(paths, pool.map(_size, paths)))
    for job in jobs:
        if sizes[job.src] != sizes[job.bgr]:
            (src_width, src_height), (bgr_width, bgr_height) = sizes[job.src], sizes[job.bgr]
            raise UserError(f"{job.src} is {src_width}x{src_height} but its background {job.bgr} is "
                            f"{bgr_width}x{bgr_height}; both must be shots of one camera position and of one size. "
                            f"Resize or crop one to the other.")


def run_job(matter, job):
    """Matte one photo and write its outputs.

    Args:
        matter: a ``model.Matter``, or anything whose predict(src, bgr) gives pha, fgr, err and ref.
    Returns:
        (width, height), seconds that the network took.
    Raises:
        UserError: an input is gone, or an output cannot be written. OSError: the disk is full.
    """
    src, bgr = read_image(job.src), read_image(job.bgr)
    start = time.perf_counter()
    matte = matter.predict(src, bgr)
    seconds = time.perf_counter() - start
    for word, path in job.outputs.items():
        _write(path, picture(matte, word))
    return (src.shape[1], src.shape[0]), seconds


def picture(matte, word):
    """One output type of a matte as uint8: (H, W), (H, W, 3) for fgr, (H, W, 4) RGBA for com.

    The colour of a cut-out is the predicted foreground, and 0 where nothing of the subject is left.
    """
    if word != "com":
        return _to_uint8(getattr(matte, word))
    pha, fgr = _to_uint8(matte.pha)[..., None], _to_uint8(matte.fgr)
    return np.concatenate([np.where(pha > 0, fgr, 0), pha], axis=2)


def _folder_jobs(src, bgr, output, types):
    if _inside(output, src) or bgr.is_dir() and _inside(output, bgr):
        raise UserError(f"the output folder {output} lies among the photos of {src if _inside(output, src) else bgr}; "
                        f"the next run would take mattes for photos. Name another with --output.")
    photos = files_by_name(src)
    if bgr.is_dir():
        scenes = files_by_name(bgr)
        check_partners(src, photos, bgr, scenes)
    else:
        scenes = dict.fromkeys(photos, bgr)
    return [Job(Path(photos[name]), Path(scenes[name]), {word: output / word / f"{name}.png" for word in types})
            for name in photos]


def _inside(path, folder):
    path, folder = path.resolve(), folder.resolve()
    return path == folder or folder in path.parents


def _size(path):
    height, width = read_image(path).shape[:2]
    return width, height


def _to_uint8(x):
    return np.round(np.clip(x, 0, 1) * 255).astype(np.uint8)


def _write(path, image):
    try:
        write_image(path, image)
    except OSError as error:
        if no_space(error):
            raise
        raise UserError(f"cannot write {path}: {error.strerror}. Name another folder with --output.") from None
