"""Archives from anywhere: unpacked as their makers meant, or refused by name within bounds."""
import bz2
import io
import struct
import tarfile
import time
import warnings
import zipfile
import zlib

import pytest

from bgmatting.utils.archives import Bounds, TooLarge, open_archive, portable, why_not_opened
from bgmatting.utils.errors import UserError

NAMES = {"gbk": ("照片", "背景/人物.png", "图1.png", "李娜的照片 (2).jpg"),
         "cp932": ("写真/表.png", "ソ.png", "テスト.png", "花子a.jpg"),
         "cp437": ("Müller.png", "été.png", "château.png", "Ärger.jpg"), "utf-8": ("照片.png", "über.png")}


def zipped(path, members, packing=zipfile.ZIP_DEFLATED):
    """A ZIP of [(name or ZipInfo, bytes)]."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", packing) as file:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in members:
            file.writestr(name, content, packing)
    return path


def raw_zip(path, members):
    """A ZIP, stored, of [(name in bytes, content)], which says nothing about the coding of its names."""
    body, table = b"", b""
    for name, content in members:
        facts = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content), len(name), 0)
        table += b"PK\1\2" + struct.pack("<H", 20) + facts + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + facts + name + content
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(table), len(body), 0)
    path.write_bytes(body + table + end)
    return path


def tarred(path, members, mode="w:gz"):
    """A tar of [TarInfo or (name, bytes)]."""
    with tarfile.open(path, mode) as file:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            content = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(content) or info.size
            file.addfile(info, io.BytesIO(content) if content else None)
    return path


def content(path, bounds=None):
    """{name: bytes} of an archive's files."""
    with open_archive(path, bounds) as archive:
        assert archive.refused == []
        return {member.name: b"".join(archive.content(member)) for member in archive.members if not member.is_folder}


def refused(path, bounds=None):
    with open_archive(path, bounds) as archive:
        return sorted(name for name, _ in archive.refused), sorted(member.name for member in archive.members)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_coding_of_zips(tmp_path, packing):
    members = [("a/empty", b""), ("a/large.txt", b"".join(b"%d " % number for number in range(600_000))), ("b/", b"")]
    path = zipped(tmp_path / "set.zip", members, packing)
    assert content(path) == dict(members[:2])
    if packing in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert refused(path, Bounds(plain_zip=True))[0] == ["a/empty", "a/large.txt"]


def test_a_zip_behind_a_program_and_in_a_tar(tmp_path):
    inner = zipped(tmp_path / "a.zip", [("a", b"1")])
    path = tmp_path / "b.zip"
    path.write_bytes(b"#!/bin/sh\n" * 200 + inner.read_bytes())
    assert content(path) == {"a": b"1"}
    outer = tarred(tmp_path / "c.tar", [("set/notes.zip", inner.read_bytes()), ("set/b", b"2")], "w")
    assert set(content(outer)) == {"set/notes.zip", "set/b"}


@pytest.mark.parametrize("coding", NAMES)
def test_names_keep_their_spelling(tmp_path, coding):
    for number, names in enumerate((NAMES[coding], *zip(NAMES[coding]))):
        path = raw_zip(tmp_path / f"{number}.zip", [(name.encode(coding), name.encode()) for name in names])
        assert content(path) == {name: name.encode() for name in names}


def test_paths_that_lead_out_and_names_of_windows(tmp_path):
    path = raw_zip(tmp_path / "a.zip", [(name, b"") for name in (b"../a", b"x/../../b", b"..\\c", b"C:\\d", b"e\0.png")])
    assert refused(path)[1] == []
    assert refused(raw_zip(tmp_path / "b.zip", [(b"/a/b.png", b""), (b".\\c\\d.png", b"")]))[1] == ["a/b.png", "c/d.png"]
    assert [portable(name) for name in ("con.png", "a. ", "a:b", "...")] == ["_con.png", "a", "a_b", "_"]
    assert len(portable("猫" * 90 + ".png").encode()) <= 255
    assert portable("猫" * 90 + ".png")[:-4] == portable("猫" * 90 + ".jpeg")[:-5] != portable("猫" * 91 + ".png")[:-4]


@pytest.mark.parametrize("names", [("a.png", "a.png"), ("a.png", "A.PNG"), ("a:b", "a?b"), ("a/b", "a"), ("a", "a/b"),
                                   ("é", "e\u0301"), ("x/a.", "x/a")])
def test_what_cannot_be_told_apart_is_refused(tmp_path, names):
    for path in (zipped(tmp_path / "a.zip", [(name, b"1") for name in (*names, "other")]),
                 tarred(tmp_path / "a.tar", [(name, b"1") for name in (*names, "other")])):
        said, left = refused(path)
        assert said and "other" in left and (len(set(names)) == 2 or len(said) == 2)


def test_links_and_devices_are_refused(tmp_path):
    members = []
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"):
        members.append(tarfile.TarInfo(f"kind{ord(kind)}"))
        members[-1].type, members[-1].linkname = kind, "/etc/passwd"
    assert refused(tarred(tmp_path / "a.tar", [("a", b"1"), *members]))[1] == ["a"]
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert refused(zipped(tmp_path / "a.zip", [(link, b"/etc/passwd"), ("a", b"1")])) == (["link"], ["a"])


def test_long_names_and_sparse_files_of_tars(tmp_path):
    members = {"x" * 80 + "/" + "猫" * 60 + ".png": b"1"}
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "a.tar", "w", format=form) as file:
            info = tarfile.TarInfo(next(iter(members)))
            info.size = 1
            file.addfile(info, io.BytesIO(b"1"))
        assert content(tmp_path / "a.tar") == members
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.map": "1000,3", "GNU.sparse.size": "5000", "GNU.sparse.name": "sparse"}
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.PAX_FORMAT) as file:
        info.size = 3
        file.addfile(info, io.BytesIO(b"abc"))
    assert content(tmp_path / "b.tar") == {"sparse": bytes(1000) + b"abc" + bytes(3997)}


def test_damaged_headers_are_no_end(tmp_path):
    path = tarred(tmp_path / "a.tar", [("a", b"1"), ("b", b"2"), ("c", b"3")], "w")
    whole = bytearray(path.read_bytes())
    for data in (whole[:1024 + 20] + b"\xff" + whole[1024 + 21:], whole[:1024 + 100]):
        path.write_bytes(data)
        with pytest.raises(UserError):
            content(path)


def bombs(folder):
    """Paths of archives that would take much, or lie about what they hold."""
    deflated = zlib.compress(bytes(1 << 20))[2:-4]
    packed = bz2.compress(bytes(60 << 20))

    def zip_of(name, entries, body):
        table = b"".join(b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, method, 0, 33, crc, size, length,
                                                  len(member), 0, 0, 0, 0, 0, at) + member
                         for member, method, crc, size, length, at in entries)
        end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(table), len(body), 0)
        path = folder / name
        path.write_bytes(body + table + end)
        return path

    def local(member, method, crc, size, length, data):
        facts = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, crc, size, length, len(member), 0)
        return b"PK\3\4" + facts + member + data

    crc = zlib.crc32(bytes(1 << 20))
    body = local(b"a", 8, crc, len(deflated), 1 << 20, deflated)
    yield zip_of("one_place.zip", [(b"a", 8, crc, len(deflated), 1 << 20, 0)] * 500, body)
    yield zip_of("overlapping.zip", [(b"a", 8, crc, len(deflated), 1 << 20, 0), (b"b", 0, 0, 40, 40, 20)], body)
    yield zip_of("says_less.zip", [(b"a", 8, crc, len(deflated), 1000, 0)], body)
    yield zip_of("says_more.zip", [(b"a", 8, crc, len(deflated), 1 << 30, 0)], body)
    yield zip_of("wrong_sum.zip", [(b"a", 8, 1, len(deflated), 1 << 20, 0)], body)
    yield zip_of("other_name.zip", [(b"b", 8, crc, len(deflated), 1 << 20, 0)], body)
    yield zip_of("bzip2.zip", [(b"a", 12, 0, len(packed), 100, 0)], local(b"a", 12, 0, len(packed), 100, packed))
    path = folder / "header.tar"
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 33
    path.write_bytes(info.tobuf() + bytes(4096))
    yield path


def test_bombs_end_at_once(tmp_path):
    for path in bombs(tmp_path):
        began = time.process_time()
        with pytest.raises(UserError):
            content(path)
        assert time.process_time() - began < 1, path


def test_tables_of_contents_are_bounded(tmp_path):
    path = raw_zip(tmp_path / "a.zip", [(b"%d" % number, b"") for number in range(2000)])
    for bounds in (Bounds(members=1999), Bounds(directory=50_000)):
        with pytest.raises(TooLarge):
            refused(path, bounds)
    assert len(content(path, Bounds(2000, 200_000, True))) == 2000


def test_kinds_that_are_not_opened():
    for name in ("a.rar", "b.7z", "c.tar.zst", "d.zip.001", "e.z01", "f.part2.rar", "g.tar.gz.aa", "h.001", "i.tzst"):
        assert why_not_opened(name), name
    assert not any(map(why_not_opened, ("a.zip", "b.tar.gz", "c.TAR.XZ", "d.tbz2", "readme.txt", "e.png", "f.tar")))
