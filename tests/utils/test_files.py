"""Files and folders appear whole or not at all, by temporary names that nobody else has."""
import errno
import os

import pytest

from bgmatting.media.video.disk import HiddenFile
from bgmatting.utils import files
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import (
    WholeFolder,
    check_place,
    hidden_name,
    inside,
    remove_leftovers,
    remove_leftovers_in,
    why_missing,
    write_bytes,
)


def listed(folder):
    return sorted(os.listdir(folder))


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with WholeFolder(tmp_path / "new" / "set") as part:
        (part / "a").write_text("1")
        assert listed(tmp_path / "new") == [part.name] and part.name.startswith(".set.")
    assert listed(tmp_path / "new") == ["set"] and (tmp_path / "new" / "set" / "a").read_text() == "1"


def test_an_error_leaves_no_folder(tmp_path):
    for error in (OSError, KeyboardInterrupt):
        with pytest.raises(error), WholeFolder(tmp_path / "set") as part:
            (part / "a").write_text("1")
            raise error
    assert listed(tmp_path) == []


def test_a_full_disk_names_what_was_being_written(tmp_path, monkeypatch):
    def full(_number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as raised:
        write_bytes(tmp_path / "a.txt", b"1")
    assert raised.value.filename == str(tmp_path / "a.txt")
    with pytest.raises(OSError) as raised, WholeFolder(tmp_path / "set") as part, open(part / "a", "wb") as file:
        os.fsync(file.fileno())
    assert raised.value.filename == str(tmp_path / "set") and listed(tmp_path) == []
    with pytest.raises(OSError) as raised, WholeFolder(tmp_path / "set"):
        raise OSError("no error of the system")
    assert raised.value.filename is None


def test_only_an_empty_folder_gives_way_without_being_asked(tmp_path):
    (tmp_path / "set").mkdir()
    with WholeFolder(tmp_path / "set") as part:
        (part / "a").write_text("1")
    with pytest.raises(OSError), WholeFolder(tmp_path / "set") as part:
        (part / "a").write_text("2")
    assert listed(tmp_path) == ["set"] and (tmp_path / "set" / "a").read_text() == "1"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError), WholeFolder(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "mine" and listed(tmp_path) == ["file", "set"]


def test_a_folder_is_replaced_when_the_new_one_is_whole(tmp_path):
    for text in ("1", "2"):
        with WholeFolder(tmp_path / "set", replace=True) as part:
            (part / text).write_text(text)
    assert listed(tmp_path) == ["set"] and listed(tmp_path / "set") == ["2"]
    with pytest.raises(ZeroDivisionError), WholeFolder(tmp_path / "set", replace=True) as part:
        raise ZeroDivisionError
    assert listed(tmp_path) == ["set"] and listed(tmp_path / "set") == ["2"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    with WholeFolder(tmp_path / "set", replace=True) as part:
        (part / "a").write_text("1")
    rename = type(tmp_path).rename

    def failing(path, name):
        if path.name.endswith(".tmp"):
            raise PermissionError
        return rename(path, name)
    monkeypatch.setattr(type(tmp_path), "rename", failing)
    with pytest.raises(PermissionError), WholeFolder(tmp_path / "set", replace=True):
        pass
    assert listed(tmp_path) == ["set"] and listed(tmp_path / "set") == ["a"]


def test_a_temporary_name_that_is_taken_is_left_alone(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    os.symlink(secret, hidden_name(tmp_path / "a.png"))  # whoever follows it writes there
    write_bytes(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"new" and secret.read_text() == "mine"
    assert len(listed(tmp_path)) == 3


def old(path, text="half"):
    """A file that nobody has touched for a long time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1, 1))
    return path


def test_leftovers_of_videos_and_folders_go(tmp_path):
    for name in (".a.mp4.77.tmp", ".a.mp4.77.reserve", ".b.mp4.77.tmp", ".a.mp4.tmp", "a.mp4.77.tmp", ".a.mp4.x.tmp"):
        old(tmp_path / name)
    (tmp_path / ".a.mp4.78.tmp").write_text("being written")
    old(tmp_path / ".a.mp4.78.reserve")
    old(tmp_path / ".set.77.tmp" / "000000.png")
    os.utime(tmp_path / ".set.77.tmp", (1, 1))
    remove_leftovers([tmp_path / "a.mp4", tmp_path / "set"])
    assert listed(tmp_path) == sorted([".b.mp4.77.tmp", ".a.mp4.tmp", "a.mp4.77.tmp", ".a.mp4.x.tmp", ".a.mp4.78.tmp",
                                       ".a.mp4.78.reserve"])


def test_a_folder_that_was_moved_aside_comes_back(tmp_path):
    for name, there in (("one", False), ("two", True)):
        old(tmp_path / f".{name}.77.old" / "000000.png", "old")
        os.utime(tmp_path / f".{name}.77.old", (1, 1))
        if there:
            old(tmp_path / name / "000000.png", "new")
    remove_leftovers([tmp_path / "one", tmp_path / "two"])
    assert listed(tmp_path) == ["one", "two"]
    assert [(tmp_path / name / "000000.png").read_text() for name in ("one", "two")] == ["old", "new"]


def test_folders_that_one_writer_alone_has_are_cleared_at_once(tmp_path):
    for name in (".set.tmp", ".set.old", ".set.77.tmp", ".other.tmp"):
        (tmp_path / name).mkdir()
    remove_leftovers_in(tmp_path, "set".__eq__)
    assert listed(tmp_path) == [".other.tmp", ".set.77.tmp", ".set.old", ".set.tmp"]
    remove_leftovers_in(tmp_path, "set".__eq__, alone=True)
    assert listed(tmp_path) == [".other.tmp", ".set.77.tmp", "set"]


def test_long_names_leave_room_for_temporary_ones(tmp_path):
    for name in ("x" * 251 + ".png", "é" * 125 + ".png", "é" * 120 + ".jpg"):
        write_bytes(tmp_path / name, b"1")
        assert (tmp_path / name).read_bytes() == b"1"
        assert len(os.fsencode(hidden_name(tmp_path / name, suffix="reserve").name)) <= 255
        left = old(hidden_name(tmp_path / name, 77))
        remove_leftovers([tmp_path / name])
        assert not left.exists()
    assert hidden_name("a/" + "x" * 251 + ".png", 7) != hidden_name("a/" + "x" * 250 + "y.png", 7)


def test_why_a_path_is_not_seen(tmp_path, monkeypatch):
    assert why_missing(tmp_path / "a" / "b.png") == "Check the path."
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert why_missing(tmp_path / "a" / "b.png") == f"You have no permission to look into {tmp_path}."


def test_what_cannot_take_its_place_is_kept_beside_it(tmp_path, monkeypatch):
    """As on Windows, where a program has the old file or folder open."""
    for name, old in (("a.mov", "file"), ("set", "folder")):
        path = tmp_path / name
        path.write_text("old") if old == "file" else path.mkdir()
    (tmp_path / "a.2.mov").write_text("of an earlier time")

    def held(path, *_):
        raise PermissionError(13, "Permission denied", str(path))
    hidden = HiddenFile(tmp_path / "a.mov", 0)
    hidden.write(b"new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", held)
        with pytest.raises(PermissionError, match="a.3.mov") as caught:
            hidden.keep()
    hidden.drop()
    assert caught.value.filename == str(tmp_path / "a.mov") and (tmp_path / "a.3.mov").read_bytes() == b"new"
    whole = WholeFolder(tmp_path / "set", replace=True)
    (whole.part / "1").write_text("new")
    rename = type(tmp_path).rename
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "rename", lambda path, to: held(path) if path.name == "set" else rename(path, to))
        with pytest.raises(PermissionError, match="set.2"):
            whole.keep()
    whole.drop()
    assert listed(tmp_path) == ["a.2.mov", "a.3.mov", "a.mov", "set", "set.2"] and listed(tmp_path / "set.2") == ["1"]
    assert (tmp_path / "a.mov").read_text() == "old" and (tmp_path / "a.2.mov").read_text() == "of an earlier time"


def test_a_drive_that_is_not_there(monkeypatch):
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert why_missing("/z/photo.jpg") == "Check the path."
    monkeypatch.setattr(files.Path, "is_dir", lambda path: False)
    with pytest.raises(UserError):
        check_place("/z/out")


def test_a_folder_by_another_spelling(tmp_path, monkeypatch):
    photos, other = tmp_path / "Photos", tmp_path / "photos" / "out"
    photos.mkdir()
    assert not inside(other, photos) and inside(photos / "a", photos)
    monkeypatch.setattr(files, "identity", lambda path: str(path).lower())  # as macOS and Windows tell files apart
    assert inside(other, photos) and not inside(tmp_path, photos)
