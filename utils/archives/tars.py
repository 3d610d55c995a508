"""Tar files, plain or compressed."""
from __future__ import annotations

import stat
import tarfile
from typing import IO

from bgmatting.utils.archives.members import Bounds, Members, no_file

STEP = 1 << 20  # bytes unpacked at once
MOST_HEADER = 1 << 20    # bytes of a long name or of pax records before one member
TAR_KINDS = {stat.S_IFREG: "isreg", stat.S_IFDIR: "isdir", stat.S_IFLNK: "issym"}
LONG_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
                tarfile.SOLARIS_XHDTYPE)


class TarMembers(Members):
    """Those of a tar; see ``open_archive``."""

    def __init__(self, file: IO[bytes], bounds: Bounds):
        super().__init__(bounds)
        self._archive = tarfile.open(fileobj=file, tarinfo=_Header)  # noqa: SIM115, closed by ``close``
        for info in self._archive:
            kind = next((kind for kind, asked in TAR_KINDS.items() if getattr(info, asked)()), 0)
            self._add(info.name, info.size if kind == stat.S_IFREG else 0, kind == stat.S_IFDIR, info, no_file(kind, info))
        while self._archive.fileobj.read(STEP):  # to the checksum at the end of what is compressed
            pass
        self._refuse_alike()

    def close(self) -> None:
        self._archive.close()

    def _pieces(self, member):
        with self._archive.extractfile(member.info) as file:
            while piece := file.read(STEP):
                yield piece


class _Header(tarfile.TarInfo):
    """A member's header. ``tarfile`` would read a long name or pax records of any length into memory, go back by a size
    below 0, and take a damaged header for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_):
        begin = tarfile_.offset
        try:
            found = super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:
            if begin:
                raise tarfile.ReadError(f"{error} at byte {begin}") from None
            raise
        if found.size < 0 or tarfile_.offset <= begin:  # it would go round and round
            raise tarfile.ReadError(f"a member of {found.size} bytes")
        return found

    def _proc_member(self, tarfile_):
        if self.type in LONG_HEADERS and self.size > MOST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(tarfile_)
