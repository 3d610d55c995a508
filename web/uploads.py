"""The parts of a request: fields of text, and files, which are saved under their own names."""
from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from bgmatting.utils.errors import suggest
from bgmatting.web.limits import FIELD_BYTES, NAME_BYTES, PART_HEADERS, PARTS, SUFFIX_CHARACTERS
from bgmatting.web.refusals import Refused

EXTENDED = re.compile(rb"""filename\*\s*=\s*"?([\w-]+)'[^']*'([^";\s]*)""", re.I)  # RFC 5987, of clients that send no other


class Form(NamedTuple):
    """fields: {name: text} ({"type": [texts]}); files: {name: Path}."""
    fields: dict
    files: dict


async def received(request: Request, folder: Path, fields: tuple, files: tuple, offered: Iterable[str]) -> Form:
    """The ``Form`` of a multipart request; files lie in FOLDER/FIELD/NAME. fields, files: names that are known; a name of
    both may be either. offered: those that are named where one is not known. Raises Refused where it is no such request,
    not a whole one, or holds what is not known."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Refused(400, "the request has to be multipart/form-data, as of a form with files.")
    reader = _Reader(folder, fields, files, offered)
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

    def __init__(self, folder, fields, files, offered):
        self._folder, self._fields, self._files, self._offered = folder, fields, files, offered
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
        if self._count > PARTS:
            raise Refused(400, f"the form has more than {PARTS} parts.")

    def _header_name(self, data, start, end):
        self._header += self._counted(data[start:end])

    def _header_value(self, data, start, end):
        self._value += self._counted(data[start:end])

    def _counted(self, data):
        self._size += len(data)
        if self._size > PART_HEADERS:
            raise Refused(400, f"a part of the form has headers of more than {PART_HEADERS} bytes.")
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
            raise Refused(400, f"unknown part '{self._name[:80]}'.{suggest(self._name[:80], self._offered)}")
        if self._name in there:
            raise Refused(400, f"'{self._name}' comes twice. Leave one out.")

    def _open(self, name):
        self._path = self._folder / self._name / name
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._path, "xb")  # noqa: SIM115 (``_end`` and ``close`` close it)

    def _data(self, data, start, end):
        if self._text is not None:
            self._text += data[start:end]
            if len(self._text) > FIELD_BYTES:
                raise Refused(400, f"'{self._name[:80]}' is text of more than {FIELD_BYTES >> 20} MiB. Files have names.")
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
    """A file's name as its sender calls it, cut to length, without folders and what a system could trip over."""
    name = re.split(r"[/\\]", name or "")[-1]
    name = "".join(sign if sign.isprintable() and sign not in ':*?"<>|' else "_" for sign in name).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= SUFFIX_CHARACTERS:
        return f"{_cut(stem) or 'file'}.{suffix}"
    return _cut(name) or "file"


def _cut(text):
    """As much of ``text`` as takes ``NAME_BYTES``."""
    return text.encode()[:NAME_BYTES].decode(errors="ignore").strip()
