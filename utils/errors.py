"""Errors that a person can mend. Exit codes are decided in ``cli.run_main``.

Library code raises ``UserError`` with one line that says what is wrong, where, and how to mend it.
Only the ``main`` of a script turns it into a message and exit code 2.
"""
from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Sequence

# control signs but tab and line feed, those that embed, override and isolate directions, and bytes that are no text
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SHOWN = 3  # names quoted in an error message before "..."


class UserError(ValueError):
    """Input that cannot be used. The message is one line: what, where, how to fix it.

    Args:
        message: the line. hint: a second line, where the way out takes more words; None: there is none.
    """

    def __init__(self, message: str = "", hint: str | None = None):
        super().__init__(message)
        self.hint = hint


def suggest(word: object, known: Iterable) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest of ``known``, else the list of what is known."""
    known = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(known)}." if known else ""


def one_line(text: object) -> str:
    """``text`` as one printable line: line breaks and what cannot be shown, as in odd file names, become escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in str(text))


def without_bidi(text: str) -> str:
    """``text`` with signs that turn the direction of writing, control signs and lone surrogates as escapes; lines stay."""
    return HIDDEN.sub(lambda sign: sign[0].encode("unicode_escape").decode("ascii"), text)


def no_space(error: BaseException) -> bool:
    """True where ``error`` says that the disk is full or the quota is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def quote(names: Sequence[str]) -> str:
    """The first few of ``names``, for an error message."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
