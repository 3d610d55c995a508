"""The parts of a request: fields of text, and files, which are saved under their own names and looked at before any work."""
from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from bgmatting.media.decoding import InPlace, Isolated
from bgmatting.media.video.isolated import IsolatedReader
from bgmatting.media.video.reader import VideoReader
from bgmatting.utils.errors import suggest
from bgmatting.web.looks import photo_size
from bgmatting.web.refusals import Refused
from bgmatting.web.settings import Settings

LONGEST = 160          # bytes of a file's name that are kept, beside its suffix; names of results are longer, up to 255
LONGEST_SUFFIX = 8     # characters
MOST_PARTS = 40
MOST_TEXT = 1 << 20    # bytes of a field
MOST_HEADERS = 1 << 13  # bytes of the headers of a part
EXTENDED = re.compile(rb"""filename\*\s*=\s*"?([\w-]+)'[^']*'([^";\s]*)""", re.I)  # RFC 5987, of clients that send no other


class Form(NamedTuple):
    """fields: {name: text} ({"type": [texts]}); files: {name: Path}."""
    fields: dict
    files: dict


async def received(request: Request, folder: Path, fields: tuple, files: tuple) -> Form:
    """The ``Form`` of a multipart request; files lie in FOLDER/FIELD/NAME.

    Args:
        fields, files: names that are known. A name of both may be either.
    Raises:
        Refused: it is no such request, not a whole one, or holds what is not known.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Refused(400, "the request has to be multipart/form-data, as of a form with files.")
    reader = _Reader(folder, fields, files)
    try:
        parser = MultipartParser(options[b"boundary"], reader.callbacks())
        async for chunk in request.stream():
            await run_in_threadpool(parser.write, chunk)  # writes files
    except KeyError:
        raise Refused(400, "the request is no whole form: its Content-Type names no boundary.") from None
    except FormParserError as error:
        raise Refused(400, f"the request is no whole form: {str(error)[:200]}") from None
    except ClientDisconnect:
        raise Refused(410, "the client has left.") from None
    finally:
        reader.close()
    if not reader.whole:
        raise Refused(400, "the request is no whole form: it ends before its last boundary.")
    return reader.form


class _Reader:
    """Takes the parts of a form as a parser finds them. form: what came; whole: whether it came to its end."""

    def __init__(self, folder, fields, files):
        self._folder, self._fields, self._files = folder, fields, files
        self.form, self.whole, self._count = Form({}, {}), False, 0
        self._header, self._value, self._headers, self._size = b"", b"", {}, 0
        self._name, self._path, self._file, self._text = "", None, None, None

    def callbacks(self):
        """For ``MultipartParser``."""
        return {"on_part_begin": self._begin, "on_header_field": self._header_name, "on_header_value": self._header_value,
                "on_header_end": self._header_end, "on_headers_finished": self._described, "on_part_data": self._data,
                "on_part_end": self._end, "on_end": self._finished}

    def close(self):
        """Close what is half written."""
        if self._file is not None:
            self._file.close()

    def _begin(self):
        self._count, self._headers, self._size = self._count + 1, {}, 0
        if self._count > MOST_PARTS:
            raise Refused(400, f"the form has more than {MOST_PARTS} parts.")

    def _header_name(self, data, start, end):
        self._header += self._counted(data[start:end])

    def _header_value(self, data, start, end):
        self._value += self._counted(data[start:end])

    def _counted(self, data):
        self._size += len(data)
        if self._size > MOST_HEADERS:
            raise Refused(400, f"a part of the form has headers of more than {MOST_HEADERS} bytes.")
        return data

    def _header_end(self):
        self._headers[self._header.lower()], self._header, self._value = self._value, b"", b""

    def _described(self):
        said = self._headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(said)
        if kind != b"form-data" or not options.get(b"name"):
            raise Refused(400, "a part of the form has no name: Content-Disposition: form-data; name=...")
        self._name, file = _decoded(options[b"name"]), options.get(b"filename")
        extended = EXTENDED.search(said) if file is None else None
        file = file if extended is None else unquote_to_bytes(extended[2])
        known, there = (self._fields, self.form.fields) if file is None else (self._files, self.form.files)
        self._text, self._path = bytearray() if file is None else None, None
        if file == b"":
            return  # an empty place of a browser's form: nothing, unless it holds something
        if not (file is None and self._name == "type"):
            self._check_known(known, there)
        if file is not None:
            self._open(safe_name(_decoded(file)))

    def _check_known(self, known, there):
        if self._name not in known:
            raise Refused(400, f"unknown part '{self._name[:80]}'.{suggest(self._name[:80], known)}")
        if self._name in there:
            raise Refused(400, f"'{self._name}' comes twice. Leave one out.")

    def _open(self, name):
        self._path = self._folder / self._name / name
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._path, "xb")  # noqa: SIM115 (``_end`` and ``close`` close it)

    def _data(self, data, start, end):
        if self._text is not None:
            self._text += data[start:end]
            if len(self._text) > MOST_TEXT:
                raise Refused(400, f"'{self._name[:80]}' is text of more than {MOST_TEXT >> 20} MiB. Files have names.")
            return
        if self._file is None:
            self._check_known(self._files, self.form.files)
            self._open(safe_name(""))
        self._file.write(data[start:end])

    def _end(self):
        if self._file is not None:
            self._file.close()
            self.form.files[self._name], self._file = self._path, None
        elif self._text is not None and self._name == "type":
            self.form.fields.setdefault("type", []).extend(_decoded(self._text).replace(",", " ").split())
        elif self._text is not None:
            self.form.fields[self._name] = _decoded(self._text).strip()

    def _finished(self):
        self.whole = True


def _decoded(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def safe_name(name: str) -> str:
    """A file's name as its sender calls it, without folders, and with nothing that a system could trip over; at most about
    ``LONGEST`` bytes of it."""
    name = re.split(r"[/\\]", name or "")[-1]
    name = "".join(sign if sign.isprintable() and sign not in ':*?"<>|' else "_" for sign in name).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= LONGEST_SUFFIX:
        return f"{_cut(stem) or 'file'}.{suffix}"
    return _cut(name) or "file"


def _cut(text):
    """As much of ``text`` as takes ``LONGEST`` bytes."""
    return text.encode()[:LONGEST].decode(errors="ignore").strip()


def check_photo(path: Path, decoding: InPlace | Isolated, settings: Settings) -> None:
    """Raise Refused (413) for a photo of more pixels than are allowed, told by its header; UserError where it is none."""
    size = decoding.call(photo_size, path)
    if size is not None and (not size or size[0] * size[1] > settings.max_pixels):
        said = f"is {size[0]}x{size[1]}, {size[0] * size[1] / 1e6:.1f} megapixels" if size else "has too many pixels"
        raise Refused(413, f"{path} {said}; at most {settings.max_pixels / 1e6:.1f} are taken here. Save it smaller.")


def check_video(path: Path | str, reader: VideoReader | IsolatedReader, settings: Settings) -> int:
    """How many frames a video may have. Raises Refused (413) for larger frames or a longer one than is allowed."""
    info = reader.info
    if info.width * info.height > settings.max_pixels:
        raise Refused(413, f"{path} has frames of {info.width}x{info.height}; at most "
                           f"{settings.max_pixels / 1e6:.1f} megapixels are taken here. Scale it down.")
    if info.duration is not None and info.duration > settings.max_seconds:
        raise Refused(413, f"{path} lasts {float(info.duration):.0f} s; at most {settings.max_seconds:.0f} are taken here. "
                           f"Cut it.")
    most = min(settings.max_frames, int(settings.max_seconds * info.rate) + 1)
    if (getattr(reader, "frames", None) or 0) > most:
        raise too_long(path, most)
    return most


def too_long(path: Path | str, most: int) -> Refused:
    """The Refused for a video of more frames than are allowed."""
    return Refused(413, f"{path} has more than {most} frames; no more are taken here. Cut it.")
