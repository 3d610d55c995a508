"""A pair of photos to pictures: what predict.py does, for the files of a request."""
import os
import time
from pathlib import Path
from typing import NamedTuple

from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.options import Options
from bgmatting.prediction.outputs import Outputs, check_types
from bgmatting.prediction.photos.cli import pictures_of
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.pipeline import Work
from bgmatting.prediction.photos.plan import photo_jobs
from bgmatting.utils.errors import UserError
from bgmatting.web.uploads import check_photo, target_of

FIELDS = ("target", "format", "bit_depth", "fit", "align", "exposure")  # and type, which may come several times
FILES = ("src", "bgr", "target")
MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".tif": "image/tiff", ".jpg": "image/jpeg"}


class Made(NamedTuple):
    """files: {type: Path} that were written; notes: lines for the user; seconds that it took, without waiting."""
    files: dict
    notes: list
    seconds: float


def options_of(form, folder):
    """``Options`` of a ``web.uploads.Form`` with photos; results go to FOLDER/out.

    Raises:
        UserError: half of the pair is missing, or a field holds what is not known.
    """
    src, bgr = (form.files.get(name) for name in ("src", "bgr"))
    if src is None:
        raise UserError("the request needs its src: the photo with the subject.")
    if bgr is None:
        raise UserError("the request needs its bgr: a photo of the same scene without the subject.")
    types = check_types(form.fields.get("type") or ["com"])
    options = common_options(form, str(src), str(bgr), folder)._replace(
        type=types, format=form.fields.get("format") or None, bit_depth=_bits(form.fields.get("bit_depth")))
    pictures_of(options, True)  # says what does not go together
    return options


def common_options(form, src, bgr, folder):
    """What photos and films have in common of their ``Options``."""
    fields = form.fields
    types = form.fields.get("type")
    target = target_of(form)
    if target is not None and types and "com" not in types:
        raise UserError("target is what com is set before, and type does not name com. Add it.")
    fitter(fields.get("align") or "auto", fields.get("exposure") or "auto")  # says what is wrong with these words
    return Options(src, bgr, str(Path(folder, "out")), target_bgr=target, fit=fields.get("fit") or None,
                   align=fields.get("align") or "auto", exposure=fields.get("exposure") or "auto")


def check_inputs(options, settings):
    """Raise Refused (413) for photos of too many pixels, UserError for what is no photo."""
    for path in (options.src, options.bgr, options.target_bgr):
        if path is not None and os.path.isabs(path):
            check_photo(path, settings)


def make(options, matter):
    """Matte the pair and write its pictures.

    Args:
        options: of ``options_of``. matter: () -> the network.
    Returns:
        ``Made``.
    Raises:
        UserError: as predict.py says it.
    """
    started = time.perf_counter()
    pictures = pictures_of(options, True)
    plan = photo_jobs(options.src, options.bgr, options.output, pictures.types, pictures.suffix)
    backdrop = None if options.target_bgr is None else open_backdrop(options.target_bgr)
    read = PairReader(options.fit, fitter(options.align, options.exposure), pictures.bits)
    told = []
    work = Work(read, matter(), Outputs(pictures.bits, backdrop), report=lambda *done: told.append(done))
    work.run(plan.jobs)
    if work.failures:
        raise UserError(work.failures[0][1])
    (_, _, _, notes), = told
    return Made(plan.jobs[0].outputs, notes, time.perf_counter() - started)


def _bits(text):
    if not text:
        return None
    if text not in ("8", "16"):
        raise UserError(f"bit_depth is 8 or 16, not {text}.")
    return int(text)
