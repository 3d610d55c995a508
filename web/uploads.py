"""The parts of a request: fields of text, and files, which are saved under their own names and looked at before any work."""
import re
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from bgmatting.media import is_animation, read_bytes
from bgmatting.media.files import VIDEO_SUFFIXES
from bgmatting.media.formats import PILLOW_FORMATS, declared_size, kind_of
from bgmatting.media.heif import container_size
from bgmatting.media.video.reader import open_video
from bgmatting.prediction.backdrop import BLUR, colour_of
from bgmatting.utils.errors import UserError, suggest
from bgmatting.web.refusals import Refused

LONGEST = 100   # signs of a file's name that are kept
MOST_PARTS = 40


class Form(NamedTuple):
    """fields: {name: text} ({"type": [texts]}); files: {name: Path}."""
    fields: dict
    files: dict


async def received(request, folder, fields, files):
    """The ``Form`` of a multipart request; files lie in FOLDER/FIELD/NAME.

    Args:
        fields, files: names that are known. A name of both may be either.
    Raises:
        Refused: it is no such request, or holds what is not known.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(400, "the request has to be multipart/form-data, as of a form with files.")
    try:
        form = await request.form(max_files=MOST_PARTS, max_fields=MOST_PARTS)
    except MultiPartException as error:
        raise Refused(400, f"the request is no whole form: {error.message}") from None
    except ClientDisconnect:
        raise Refused(410, "the client has left.") from None
    try:
        found = Form({}, {})
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and (value.filename or value.size):
                _check_known(name, files, found.files)
                found.files[name] = await run_in_threadpool(_saved, value, Path(folder, name))
            elif not isinstance(value, UploadFile) and name == "type":
                found.fields.setdefault("type", []).extend(value.replace(",", " ").split())
            elif not isinstance(value, UploadFile):
                _check_known(name, fields, found.fields)
                found.fields[name] = value.strip()
        return found
    finally:
        await form.close()


def _check_known(name, known, there):
    if name not in known:
        raise Refused(400, f"unknown part '{name}'.{suggest(name, known)}")
    if name in there:
        raise Refused(400, f"'{name}' comes twice. Leave one out.")


def _saved(upload, folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / safe_name(upload.filename)
    with open(path, "xb") as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)
    return path


def safe_name(name):
    """A file's name as its sender calls it, without folders, and with nothing that a system could trip over."""
    name = re.split(r"[/\\]", name or "")[-1]
    name = "".join(sign if sign.isprintable() and sign not in ':*?"<>|' else "_" for sign in name).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 8:
        return f"{stem[:LONGEST] or 'file'}.{suffix}"
    return name[:LONGEST] or "file"


def check_photo(path, settings):
    """Raise Refused (413) for a photo of more pixels than are allowed, told by its header; UserError where it is none."""
    size = photo_size(path)
    if size is not None and size[0] * size[1] > settings.max_pixels:
        raise Refused(413, f"{path} is {size[0]}x{size[1]}, {size[0] * size[1] / 1e6:.1f} megapixels; at most "
                           f"{settings.max_pixels / 1e6:.1f} are taken here. Save it smaller.")


def photo_size(path):
    """(width, height) of a photo by its header; None where that does not say, and reading it will say what is wrong."""
    data = read_bytes(path)
    found = declared_size(data)
    if found is not None:
        return found
    kind = kind_of(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind in ("HEIF", "AVIF"):
                return container_size(path, kind, data)
            with Image.open(path, formats=PILLOW_FORMATS) as image:
                return image.size
    except Image.DecompressionBombError:
        raise Refused(413, f"{path} has more pixels than are taken here. Save it smaller.") from None
    except Exception:
        return None


def check_film(path, settings):
    """How many frames a film may have. Raises Refused (413) for larger frames or a longer one than is allowed, UserError
    where it is none."""
    with open_video(path, sound=False) as reader:
        info = reader.info
    if info.width * info.height > settings.max_pixels:
        raise Refused(413, f"{path} has frames of {info.width}x{info.height}; at most {settings.max_pixels / 1e6:.1f} "
                           f"megapixels are taken here. Scale it down.")
    if info.duration is not None and info.duration > settings.max_seconds:
        raise Refused(413, f"{path} lasts {float(info.duration):.0f} s; at most {settings.max_seconds:.0f} are taken here. "
                           f"Cut it.")
    return int(settings.max_seconds * info.rate) + 1


def is_film(path):
    """Whether an uploaded file is a film, by its name; or an animation, by its content."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES or is_animation(path)


def target_of(form):
    """What ``open_backdrop`` is to open: an uploaded file, a colour or "blur"; None. Never a path that the sender names.

    Raises:
        UserError: neither.
    """
    if "target" in form.files:
        return str(form.files["target"])
    text = form.fields.get("target")
    if not text:
        return None
    if text != BLUR and colour_of(text) is None:
        raise UserError(f"no such background: {text}. Name a photo, a video, a colour (white, #20c040) or {BLUR}.")
    return text
