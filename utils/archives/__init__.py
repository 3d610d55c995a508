"""Archives (ZIP and tar) from anywhere: members listed under safe names, and unpacked in bounded steps.

Nothing of an archive is trusted: its table of contents is bounded before it is parsed, members may not lie on one another,
sizes and checksums are checked while reading, and what is no plain file or folder, leads out of the archive, or cannot be
told from another member is refused by name.
"""
from __future__ import annotations

import contextlib
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from bgmatting.utils.archives.members import Bounds, Member, TooLarge, portable
from bgmatting.utils.archives.tars import TarMembers
from bgmatting.utils.archives.zips import ZipMembers
from bgmatting.utils.errors import UserError

__all__ = ["OPENED", "Bounds", "Member", "TooLarge", "open_archive", "portable", "why_not_opened"]

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
          NotImplementedError, ValueError, OverflowError, LookupError)  # what the libraries raise

OPENED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
PARTED = re.compile(r"\.(part\d+\.rar|[rz]\d\d|\d{3}|(zip|7z|rar|tar|tgz|tar\.\w{1,4})[.-]?(part)?-?([a-c][a-z]|\d+))$")
OTHER = {(".rar",): "a RAR archive: unrar x", (".7z",): "a 7z archive: 7z x", (".zipx",): "a ZIP of WinZip's own: 7z x",
         (".tar.zst", ".tzst", ".tar.zstd"): "a Zstandard tar: tar --zstd -xf",
         (".tar.lz", ".tlz", ".tar.lz4", ".tar.br", ".tar.z", ".taz", ".tar.lzma", ".tar.lzo", ".tar.lrz"):
             "a tar in a coding that is not read here: tar -xf",
         (".cab", ".arj", ".lzh", ".lha", ".ace", ".iso", ".wim", ".dmg", ".sit", ".sitx", ".cpio"):
             "an archive of a kind that is not read here: 7z x"}
STARTS = {b"Rar!\x1a\x07": "a RAR archive: unrar x", b"7z\xbc\xaf\x27\x1c": "a 7z archive: 7z x",
          b"\x28\xb5\x2f\xfd": "in Zstandard: tar --zstd -xf"}


def why_not_opened(name: str) -> str | None:
    """Reason why an archive, by its name, cannot be opened here, and what to do; else None."""
    lower = name.lower()
    if lower.endswith(OPENED):
        return None
    kind = next((kind for suffixes, kind in OTHER.items() if lower.endswith(suffixes)), None)
    if PARTED.search(lower) and (kind is None or ".part" in lower):
        return "a part of a split archive. Put its parts together (7z x on the first part does), and unpack the whole"
    return kind and _advice(kind)


@contextlib.contextmanager
def open_archive(path: str | os.PathLike, bounds: Bounds | None = None) -> Iterator[ZipMembers | TarMembers]:
    """The members of an archive, told by its content, within a ``with``.

    ``members`` is a list of ``Member``, to be read in its order; ``refused`` a list of (name, reason) of those that are not
    to be unpacked; ``content(member)`` yields the bytes of a file in pieces.

    Raises:
        UserError: it is no archive, of a kind that is not read, or damaged, also while reading; ``TooLarge``: it is beyond
            ``bounds``.
    """
    bounds = bounds or Bounds()
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            raise ValueError("it is a device or pipe")
        with open(path, "rb") as file, _opened(path, file, bounds) as found:
            yield found
    except UserError:
        raise
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; a wrong checksum of gzip has none
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be unpacked ({reason}). Get it again.") from None


def _opened(path, file, bounds):
    start = file.read(512)
    file.seek(0)
    kind = next((kind for known, kind in STARTS.items() if start.startswith(known)), None)
    if kind is not None:
        raise UserError(f"{path} cannot be unpacked here: it is {_advice(kind)}.")
    if start.startswith(b"PK") and start[257:262] != b"ustar":
        return ZipMembers(file, bounds)
    if bounds.plain_zip:
        raise ValueError("it is no ZIP")
    try:
        return TarMembers(file, bounds)
    except tarfile.ReadError:
        file.seek(0)
        if not zipfile.is_zipfile(file):  # also one behind a program that unpacks it
            raise
        return ZipMembers(file, bounds)


def _advice(kind):
    what, command = kind.split(": ")
    return f"{what}. Unpack it by hand ({command} NAME)"
