"""Names in ZIPs as their makers spelt them. Old programs write them in their system's own coding and do not say in which."""
from __future__ import annotations

import struct
import zipfile
import zlib

UTF8 = 0x800           # flag: the name is UTF-8
UNICODE_PATH = 0x7075  # extra field that holds a name once more, in UTF-8
# Codings of two bytes a character; first bytes of what is written often in them, and what else counts half.
ASIAN = {"gbk": ((range(0xB0, 0xD8),), (range(0xA1, 0xAA), range(0xD8, 0xF8))),
         "cp932": ((range(0x82, 0x85), range(0x88, 0x99)), (range(0x81, 0x82), range(0x99, 0xA0), range(0xE0, 0xEB)))}
FULL_WIDTH = range(0x824F, 0x829B)  # Latin letters in cp932, which hardly begin a name: they look as accents of Europe do
SURE = 0.5
# Letters of two bytes in UTF-8 that people use; some words of GBK, such as the one for image, are others.
LETTERS = (range(0xC0, 0x180), range(0x300, 0x370), range(0x386, 0x3CF), range(0x400, 0x460), range(0x5D0, 0x5EB),
           range(0x620, 0x64B))


def decoded_names(members: list[zipfile.ZipInfo]) -> list[str]:
    """The names of a ZIP's members. Those without a mark of their coding are read all in one way: as UTF-8 where all are,
    as GBK or Shift-JIS where that gives common characters, else as the format has it (code page 437)."""
    names = [_stated(member) for member in members]
    raw = [member.orig_filename.encode("cp437") for member, name in zip(members, names) if name is None]
    coding = _coding({name for name in raw if not name.isascii()})
    rest = iter(raw)
    return [next(rest).decode(coding) if name is None else name for name in names]


def _stated(member):
    """A name whose coding is known; None where it is not."""
    if member.flag_bits & UTF8:
        return member.orig_filename
    raw, extra = member.orig_filename.encode("cp437"), member.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4:4 + size], extra[4 + size:]
        if kind == UNICODE_PATH and content[:5] == b"\1" + struct.pack("<I", zlib.crc32(raw)):
            try:
                return content[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def _coding(names):
    """The coding that fits all of the bytes ``names``, none of which is ASCII."""
    if _fits(names, "utf-8") and all(_is_used(sign) for name in names for sign in name.decode("utf-8")):
        return "utf-8"
    marks = {coding: _commonness(names, coding) for coding in ASIAN if _fits(names, coding)}
    best = max(marks, key=marks.get, default=None)
    if best is not None and marks[best] >= SURE:
        return best
    return "utf-8" if _fits(names, "utf-8") else "cp437"


def _is_used(sign):
    return sign.isascii() or ord(sign) >= 0x800 or any(ord(sign) in part for part in LETTERS)


def _fits(names, coding):
    try:
        for name in names:
            name.decode(coding)
    except UnicodeDecodeError:
        return False
    return True


def _commonness(names, coding):
    """How common the characters of names are in a coding, 0..1. One alone beside a Latin letter is none: in the languages
    of Europe, an accent is; here it would take the letter behind it with it."""
    marks = []
    for text in (name.decode(coding) for name in names):
        for at, character in enumerate(text):
            if character.isascii():
                continue
            beside = text[max(at - 1, 0):at] + text[at + 1:at + 2]
            alone = all(other.isascii() for other in beside) and any(other.isalpha() for other in beside)
            marks.append(0 if alone else _mark(character.encode(coding), coding))
    return sum(marks) / len(marks)


def _mark(code, coding):
    often, seldom = ASIAN[coding]
    if len(code) < 2 or int.from_bytes(code, "big") in FULL_WIDTH and coding == "cp932":
        return 0
    return 1 if any(code[0] in part for part in often) else 0.5 if any(code[0] in part for part in seldom) else 0
