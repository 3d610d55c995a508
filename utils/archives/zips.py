"""ZIPs: their table of contents, and their members decoded in bounded steps."""
from __future__ import annotations

import bz2
import lzma
import os
import stat
import struct
import zipfile
import zlib
from typing import IO

from bgmatting.utils.archives.members import Bounds, Members, TooLarge, no_file
from bgmatting.utils.archives.zip_names import UTF8, decoded_names

STEP = 1 << 20  # bytes unpacked at once
LONGEST_DICTIONARY = 1 << 28  # bytes that LZMA may look back
LOCAL_HEADER = 30        # bytes before the name of a ZIP's member
ENCRYPTED = 0x41         # flags
CODINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class ZipMembers(Members):
    """Those of a ZIP; see ``open_archive``. file: open, which stays the caller's."""

    def __init__(self, file: IO[bytes], bounds: Bounds):
        super().__init__(bounds)
        self._file = file
        self._archive = zipfile.ZipFile(_Bounded(file, bounds.directory))
        infos, end = self._archive.infolist(), self._archive.start_dir
        self.check_number(len(infos))
        places = sorted(info.header_offset for info in infos)
        self._ends = dict(zip(places, (*places[1:], end)))  # where the next member begins
        if len(self._ends) < len(places) or places and places[0] < 0:
            raise ValueError("its members lie on one another")
        for info, name in zip(infos, decoded_names(infos)):
            packed_end = info.header_offset + LOCAL_HEADER + len(info.orig_filename.encode("cp437", "replace"))
            if packed_end + info.compress_size > self._ends[info.header_offset]:
                raise ValueError("its members lie on one another")
            kind = stat.S_IFMT(info.external_attr >> 16)
            is_folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR
            self._add(name, 0 if is_folder else info.file_size, is_folder, info,
                      no_file(kind) or (None if is_folder else self._why_packed(info)))
        self._refuse_alike()

    def close(self) -> None:
        self._archive.close()

    def _why_packed(self, info):
        if info.flag_bits & ENCRYPTED:
            return "it takes a password. Pack it without"
        if info.compress_type not in (CODINGS[:2] if self._bounds.plain_zip else CODINGS):
            name = zipfile.compressor_names.get(info.compress_type, f"method {info.compress_type}")
            return f"it is packed by {name}, which is not unpacked here. Pack it by deflate"
        return None

    def _pieces(self, member):
        return _unpacked(self._packed(member.info), member.info)

    def _packed(self, info):
        """The bytes of a member as they lie in the file."""
        self._file.seek(info.header_offset)
        head = self._file.read(LOCAL_HEADER)
        if head[:4] != b"PK\3\4" or len(head) < LOCAL_HEADER:
            raise ValueError("a member is not where the table of contents says")
        name, extra = struct.unpack("<HH", head[26:30])
        if self._file.read(name) != info.orig_filename.encode("utf-8" if info.flag_bits & UTF8 else "cp437"):
            raise ValueError("a member has another name than in the table of contents")
        at, left = info.header_offset + LOCAL_HEADER + name + extra, info.compress_size
        if at + left > self._ends[info.header_offset]:
            raise ValueError("its members lie on one another")
        while left:
            self._file.seek(at)
            piece = self._file.read(min(left, STEP))
            if not piece:
                raise EOFError("it is cut short")
            yield piece
            at, left = at + len(piece), left - len(piece)


def _unpacked(packed, info):
    """The bytes of a member of a ZIP from those that are ``packed``, at most ``STEP`` at once. Raises ValueError where the
    checksum is wrong."""
    decoder, total, checksum = _decoder(info), 0, 0
    for piece in packed if decoder is None else _decoded(packed, decoder):
        checksum, total = zlib.crc32(piece, checksum), total + len(piece)
        if total > info.file_size:
            raise ValueError(f"{info.filename} is longer than it says")
        yield piece
    if checksum != info.CRC:
        raise ValueError(f"Bad CRC-32 of {info.filename}")


def _decoder(info):
    """The decoder of a coding; None for bytes that are stored."""
    if info.compress_type == zipfile.ZIP_STORED:
        return None
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-15)
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor()
    return _Lzma(info.file_size)


class _Lzma:
    """LZMA as ZIPs hold it: a version, the length of the properties, these, and the data."""

    def __init__(self, size):
        self._size, self._head, self._decoder = size, b"", None

    def decompress(self, data, most):
        if self._decoder is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            length, value, dictionary = struct.unpack("<2xHBI", self._head[:9])
            if length != 5:
                raise ValueError("its LZMA is of a kind that is not known")
            value, data = divmod(value, 9), self._head[9:]
            filters = {"id": lzma.FILTER_LZMA1, "lc": value[1], "lp": value[0] % 5, "pb": value[0] // 5,
                       "dict_size": min(dictionary, max(self._size, 4096), LONGEST_DICTIONARY)}
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
        return self._decoder.decompress(data, most)

    @property
    def eof(self):
        return self._decoder is not None and self._decoder.eof


def _decoded(packed, decoder):
    for piece in packed:
        while not decoder.eof:
            made = decoder.decompress(piece, STEP)
            if made:
                yield made
            piece = getattr(decoder, "unconsumed_tail", b"")  # of zlib; the others keep it themselves
            if not piece and len(made) < STEP:
                break


class _Bounded:
    """A file whose single reads are bounded: ``zipfile`` reads the whole table of contents at once."""

    def __init__(self, file, most):
        self._file, self._most = file, most
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        at = self._file.tell()
        left = max(0, self._file.seek(0, os.SEEK_END) - at)
        self._file.seek(at)
        size = left if size is None or size < 0 else min(size, left)
        if size > self._most:
            raise TooLarge(f"the ZIP's table of contents has {size / 1e6:.0f} MB. Divide it.")
        return self._file.read(size)
