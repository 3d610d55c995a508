"""Members of an archive, under names that are safe to write; what is not is refused by name."""
from __future__ import annotations

import functools
import os
import re
import stat
import tarfile
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from bgmatting.utils.errors import UserError, quote
from bgmatting.utils.files import LONGEST_NAME, cut_name

LONGEST_PATH = 2000      # bytes; systems take 4096 with the folders above
LONGEST_SUFFIX = 10      # bytes; what is longer is none
DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}
PLAIN = re.compile(r"\d[\w-]{0,80}\.\w{1,5}", re.ASCII)  # most names of data sets, which ``portable`` leaves as they are


class TooLarge(UserError):
    """An archive that holds more than the caller takes."""


class Bounds(NamedTuple):
    """Limits of an archive: members at most; bytes of a ZIP's table of contents; and whether plain ZIPs alone are
    taken, stored or packed by deflate."""
    members: int = 2_000_000
    directory: int = 1 << 28
    plain_zip: bool = False


class Member(NamedTuple):
    """A file or folder of an archive: parts of its path; bytes when unpacked; whether it is a folder; and what the library
    knows of it."""
    parts: tuple
    size: int
    is_folder: bool
    info: object

    @property
    def name(self) -> str:
        return "/".join(self.parts)


class Members:
    """Common part of both kinds."""

    def __init__(self, bounds: Bounds):
        self.members, self.refused, self._bounds = [], [], bounds

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def content(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file in pieces. Raises as ``open_archive`` where there are fewer or more than its size."""
        left = member.size
        for piece in self._pieces(member):
            left -= len(piece)
            if left < 0:
                raise ValueError(f"{member.name} is longer than it says")
            yield piece
        if left:
            raise ValueError(f"{member.name} is shorter than it says")

    def check_number(self, number: int) -> None:
        """Raise TooLarge for more members than are taken."""
        if number > self._bounds.members:
            raise TooLarge(f"the archive holds more than {self._bounds.members} members. Divide it.")

    def _add(self, name, size, is_folder, info, reason=None):
        """Note a member, or why it is refused."""
        self.check_number(len(self.members) + len(self.refused) + 1)
        parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
        reason = reason or _flaw(name, parts)
        if reason is not None:
            self.refused.append((name, reason))
        elif parts:
            self.members.append(Member(parts, size, is_folder, info))

    def _refuse_alike(self):
        """Move members to ``refused`` whose paths some system takes for one: the same, but for case, Unicode's form, and
        signs that have to be replaced; and files that are folders of others."""
        files, folders = {}, set()
        for member in self.members:
            key = tuple(map(_key, member.parts))
            if not member.is_folder:
                files.setdefault(key, []).append(member)
                key = key[:-1]
            while key and key not in folders:
                folders.add(key)
                key = key[:-1]
        alike = {}
        for key, found in files.items():
            names = list(dict.fromkeys(member.name for member in found))
            if len(names) > 1:
                alike.update(dict.fromkeys(map(id, found), f"cannot be told from one another: {quote(names)}"))
            elif len(found) > 1:
                alike.update(dict.fromkeys(map(id, found), f"{len(found)} files of one name"))
            elif key in folders:
                alike[id(found[0])] = "a file and a folder of one name"
        self.refused += [(member.name, alike[id(member)]) for member in self.members if id(member) in alike]
        self.members = [member for member in self.members if id(member) not in alike]


def no_file(kind: int, info: tarfile.TarInfo | None = None) -> str | None:
    """Why a member of this kind, as ``stat`` numbers it, is not unpacked; None for files and folders."""
    if info is not None and info.islnk():
        return f"a hard link to {info.linkname}. Pack the file itself (tar --hard-dereference)"
    if kind == stat.S_IFLNK:
        return "a symbolic link. Pack what it leads to (tar -h, zip without -y)"
    known = (stat.S_IFREG, stat.S_IFDIR) if info is not None else (0, stat.S_IFREG, stat.S_IFDIR)  # ZIPs may not say
    return None if kind in known else "no file or folder, but a device, pipe or something else"


def _flaw(name, parts):
    """Why a path is refused; None where it can be used."""
    if "\0" in name:
        return "its name holds a NUL"
    if ".." in parts:
        return "its name leads out of the folder"
    if re.match(r"[A-Za-z]:", name):
        return "its name begins with a drive"
    if len(name.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        return f"its path is longer than {LONGEST_PATH} bytes"
    return None


@functools.lru_cache(maxsize=10000)
def _key(part):
    """A name as systems that tell fewest names apart read it: without case, Unicode's form, and signs that they replace."""
    if PLAIN.fullmatch(part):
        return part.lower()
    return portable(unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).lower()))


def portable(part: str, longest: int = LONGEST_NAME) -> str:
    """One part of a path as every system takes it: signs that some cannot write become "_", blanks and dots at its end go,
    and names of Windows' devices and empty ones get a "_" before. What is longer than ``longest`` bytes, or nearly, is cut
    and ends in a sum of the whole. What differs by suffix alone still does."""
    name = "".join("_" if sign in ':*?"<>|\\/' or not (sign.isprintable() or "\ud800" <= sign <= "\udfff") else sign
                   for sign in part).strip(" ").rstrip(". ")  # surrogates stand for bytes that are no text, and tell apart
    name = f"_{name}" if name.split(".")[0].lower() in DEVICES or not name else name
    stem, suffix = os.path.splitext(name)
    stem, suffix = (name, "") if len(os.fsencode(suffix)) > LONGEST_SUFFIX else (stem, suffix)
    return cut_name(stem, LONGEST_NAME - longest + LONGEST_SUFFIX) + suffix
