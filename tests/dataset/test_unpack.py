"""Archives of datasets, unpacked whole or not at all."""
import io
import os
import shutil
import tarfile
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.unpack import archives, main, unpack
from bgmatting.utils.errors import UserError


def make_zip(path, files):
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return path


def make_tar(path, files, link=None):
    with tarfile.open(path, "w:gz") as file:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            file.addfile(info, io.BytesIO(text.encode()))
        if link:
            info = tarfile.TarInfo(link[0])
            info.type, info.linkname = tarfile.SYMTYPE, link[1]
            file.addfile(info)
    return path


def tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("make, suffix", [(make_zip, ".zip"), (make_tar, ".tar.gz")])
def test_one_folder_keeps_its_name(tmp_path, make, suffix):
    archive = make(tmp_path / f"download (1){suffix}", {"PhotoMatte85/a.png": "a", "PhotoMatte85/b/c.png": "c"})
    (folder, before), = unpack(archive, tmp_path / "data")
    assert folder == tmp_path / "data" / "PhotoMatte85" and not before
    assert tree(folder) == {"a.png": "a", "b/c.png": "c"}
    assert unpack(archive, tmp_path / "data") == [(folder, True)]


@pytest.mark.parametrize("above, beside", [("", {}), ("PhotoMatte85_eval/", {}), ("data/sets/", {"readme.txt": "r"}),
                                           ("PhotoMatte85_eval\\", {})])
def test_several_sets_are_found_by_the_catalogue(tmp_path, above, beside):
    files = {"test85/fgr/a.png": "f", "test85/pha/a.png": "p", "Backgrounds/b.jpg": "b", "MySet/fgr/c.png": "c",
             "MySet/pha/c.png": "c", **beside}
    archive = make_zip(tmp_path / "PhotoMatte85_eval.zip", {above + name: text for name, text in files.items()})
    root = tmp_path / "data"
    done = unpack(archive, root)
    rest = {"PhotoMatte85_eval (rest)"} if beside else set()
    assert {folder.name for folder, _ in done} == {"test85", "Backgrounds", "MySet"} | rest
    catalog = open_catalog(data_root=root)
    assert (catalog.where("PhotoMatte85"), catalog.where("Backgrounds")) == (root / "test85", root / "Backgrounds")
    shutil.rmtree(root / "Backgrounds")
    assert [before for folder, before in unpack(archive, root) if folder.name in ("test85", "Backgrounds")] == [True, False]
    assert tree(root / "Backgrounds") == {"b.jpg": "b"}


@pytest.mark.parametrize("files", [{"train/fgr/a": "1", "train/pha/a": "1", "Backgrounds/b": "2"},
                                   {"fgr/a": "1", "pha/a": "1", "Backgrounds/b": "2"}, {"a/x": "1", "b/x": "2"}])
def test_folders_of_one_set_stay_together(tmp_path, files):
    assert [folder.name for folder, _ in unpack(make_zip(tmp_path / "mine.zip", files), tmp_path / "data")] == ["mine"]
    assert tree(tmp_path / "data" / "mine") == files


def test_what_the_disk_has_no_room_for_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "set.zip", {"set/a.txt": "a" * 600_000, "set/b.txt": "b" * 500_000})
    free = {tmp_path: 1_099_999}
    monkeypatch.setattr("bgmatting.dataset.unpack.shutil.disk_usage", lambda place: SimpleNamespace(free=free[place]))
    with pytest.raises(UserError, match=r"set.* is 0\.0 GB when unpacked.*room for 0\.0 GB.*--data-root"):
        unpack(archive, tmp_path / "not" / "yet")
    assert not (tmp_path / "not").exists()
    free[tmp_path] += 1
    assert tree(unpack(archive, tmp_path / "not" / "yet")[0][0])["b.txt"] == "b" * 500_000


def test_what_leads_out_is_refused_and_leaves_nothing(tmp_path):
    data = tmp_path / "data"
    for archive in (make_tar(tmp_path / "up.tar.gz", {"set/../../evil.txt": "x", "set/a": "a"}),
                    make_tar(tmp_path / "link.tar.gz", {"set/a": "a"}, ("set/out", "/etc/passwd"))):
        with pytest.raises(UserError, match="cannot be unpacked"):
            unpack(archive, data)
    assert not (tmp_path / "evil.txt").exists() and (not data.exists() or list(data.iterdir()) == [])


def test_the_command(tmp_path, capsys):
    (tmp_path / "mount" / "data1").mkdir(parents=True)
    make_zip(tmp_path / "mount" / "data1" / "one.zip", {"one/a": "a"})
    make_tar(tmp_path / "mount" / "two.tgz", {"two/b": "b"})
    (tmp_path / "mount" / "readme.txt").touch()
    (tmp_path / "mount" / "broken.zip").write_bytes(b"PK")
    (tmp_path / "mount" / "#recycle").mkdir()
    make_zip(tmp_path / "mount" / "#recycle" / "old.zip", {"old/a": "a"})  # another system's folder
    os.mkfifo(tmp_path / "mount" / "pipe.zip")
    for name in ("r.rar", "s.7z", "t.tar.zst", "set.zip.001", "set.zip.002", "u.zip", "u.z01"):
        (tmp_path / "mount" / name).touch()
    for said in (False, True):
        assert main([str(tmp_path / "mount"), "--data-root", str(tmp_path / "data")]) == 1
        told = capsys.readouterr()
        assert told.out.count("there already") == 2 * said
        failed = ("broken.zip", "pipe.zip", "r.rar", "s.7z", "t.tar.zst", "set.zip.001", "u.zip")
        assert all(name in told.err for name in failed)
        assert "set.zip.002" not in told.err
    assert tree(tmp_path / "data") == {"one/a": "a", "two/b": "b"}
    for place, words in ((tmp_path / "none", "no such file"), (tmp_path / "mount" / "readme.txt", "no archive of these")):
        with pytest.raises(UserError, match=words):
            archives([place])


def test_damage(tmp_path):
    for name, start in (("a.zip", b""), ("b.zip", b"PK\x03\x04 not a zip"), ("c.tar.gz", b"\x1f\x8b\x08 not a tar")):
        (tmp_path / name).write_bytes(start)
        with pytest.raises(UserError, match=name):
            unpack(tmp_path / name, tmp_path / "data")
    content = {"set/a": "".join(map(chr, np.random.default_rng(0).integers(33, 127, 3000)))}
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/a", content["set/a"])
    whole = path.read_bytes()
    for at in (40, 80, 120):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 255,)) + whole[at + 1:])
        with pytest.raises(UserError, match="set.zip cannot be unpacked"):
            unpack(path, tmp_path / "data")
    tar = make_tar(tmp_path / "set.tgz", content)
    whole = tar.read_bytes()
    tar.write_bytes(whole[:-8] + b"\1\2\3\4" + whole[-4:])   # the checksum of what is fine until then
    with pytest.raises(UserError, match="set.tgz cannot be unpacked .CRC"):
        unpack(tar, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
