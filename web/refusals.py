"""Answers where something cannot be done: a status, a word for programs, a line for people."""
from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from bgmatting.prediction.options import FORM, OPTIONS, flag_of
from bgmatting.utils.archives import TooLarge
from bgmatting.utils.errors import UserError, no_space, one_line
from bgmatting.utils.files import PROJECT

CODES = {400: "bad_input", 401: "no_token", 403: "forbidden", 404: "not_found", 405: "no_such_method", 408: "too_slow",
         409: "not_ready", 410: "cancelled", 413: "too_large", 429: "busy", 500: "unexpected", 507: "disk_full"}
PARTS = ("src", "bgr", "target", "zip", "out")  # what the folder of a request holds
FLAGS = {"--src": ("src", ()), **{flag_of(name): (form, OPTIONS[name].all_words) for form, name in FORM.items()}}
FLAG = re.compile(rf"(?<![\w-])({'|'.join(FLAGS)})(?![\w-])(?: (\d+\b|[a-z]+\b(?::\d+)?))?")  # and its value
AGAIN = 5  # seconds after which a client that was told to come back may


class Refused(UserError):
    """A request that is not done. status: of HTTP, one of ``CODES``; the message is one line: what, where, how to mend."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def refusal(error: Exception, folders: Iterable[str | Path] = ()) -> Refused:
    """The ``Refused`` that an error amounts to: the words of the command line, without paths of this machine. What nobody
    expected is printed for who runs the server. folders: as ``without_places``."""
    if isinstance(error, Refused):
        status, text = error.status, str(error)
    elif no_space(error):
        status, text = 507, "no space left on the disk of the server. Try again later."
    elif isinstance(error, UserError):
        status, text = 413 if isinstance(error, TooLarge) else 400, str(error)
    elif isinstance(error, MemoryError):
        status, text = 413, "it takes more memory than there is. Scale it down."
    else:
        status, text = 500, f"unexpected {type(error).__name__}. The server's log says more."
        traceback.print_exception(type(error), error, error.__traceback__)
    return Refused(status, without_places(text, folders))


def without_places(text: str, folders: Iterable[str | Path] = ()) -> str:
    """``text`` in one line, with fields of a form in place of flags ("fit=resize" for --fit resize), and without names of
    folders of this machine. folders: of requests, which hold ``PARTS``; of what lies in those only its own name is left."""
    for folder in (*folders, PROJECT):
        for part in PARTS:
            text = text.replace(f"{folder}/{part}/", "").replace(f"{folder}/{part}", part)
        text = text.replace(f"{folder}/", "").replace(f"{folder}", ".")
    return one_line(FLAG.sub(_field, text))


def _field(flag):
    (form, words), value = FLAGS[flag[1]], flag[2]
    if value is None:
        return form
    means = value in words or value.isdecimal() or form == "bgr" and (value == "median" or value.startswith("first:"))
    return f"{form}{'=' if means else ' '}{value}"


def body(error: Refused) -> dict[str, dict]:
    """The one shape of errors, as a dictionary for JSON."""
    return {"error": {"status": error.status, "code": CODES[error.status], "message": str(error)}}


def headers(error: Refused) -> dict[str, str]:
    """Headers that go with an answer."""
    return {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": str(AGAIN)}}.get(error.status, {})
