"""Names as people and other systems give them: long, with colons, in two Unicode forms, no text, with control signs."""
import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction.options import Options
from bgmatting.prediction.photos.plan import Pictures, photo_jobs
from bgmatting.prediction.source import is_video
from bgmatting.utils.files import PROJECT
from tests.prediction.command import files, folder_flags, refuse, run, write_folders

pytestmark = pytest.mark.usefixtures("stand_in")
PHOTO = np.zeros((4, 6, 3), np.uint8)


def one(folder, name, *more):
    """predict.py for a photo of this name in the folder that the process is in."""
    write_image(folder / name, PHOTO)
    write_image(folder / "b.png", PHOTO)
    return run("--src", name, "--bgr", "b.png", "--output", "out", "--type", "pha", *more)


def planned(folder):
    """The plan of photos/ and rooms/ in ``folder``."""
    options = Options(str(folder / "photos"), str(folder / "rooms"), output=str(folder / "out"))
    return photo_jobs(options, Pictures(("pha",), ".png", 8))


@pytest.mark.parametrize("name", ["a:b.png", "12:30.png", "C:x.png", "http:x.png", "-me.png", "--src.png", "a?b*.png",
                                  "%05d.png", "x" * 247 + ".png"])
def test_a_path_is_a_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for output in ("out", "-out", "out.png/"):  # a slash makes a folder of a image's name
        assert one(tmp_path, name, "--output", output) == 0 and files(tmp_path / output) == [name[:-4] + "_pha.png"]


def test_what_is_an_address():
    for text in ("http://host/a.mp4", "RTSP://host/1", "udp://@:5000", "srt://host:1"):
        assert is_video(text)
    for text in ("a:b.jpg", "12:30.png", "C:x", "foo://bar.png", "http:/a.png"):
        assert not is_video(text)
    assert is_video("12:30.mp4") and is_video("a://b.mp4")


def test_a_name_whose_result_is_too_long(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / ("é" * 125 + ".png"), PHOTO)
    said = refuse(capsys, tmp_path / "out", "--src", "é" * 125 + ".png", "--bgr", "é" * 125 + ".png")
    assert "258 bytes" in said and "255" in said


def test_long_names_in_folders(tmp_path):
    write_folders(tmp_path, ("x" * 251, "y" * 250))
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 0
    assert files(tmp_path / "out") == [f"pha/{'x' * 251}.png", f"pha/{'y' * 250}.png"]
    assert run(*folder_flags(tmp_path, "--type", "fgr", "--format", "webp")) == 1  # one is 256 bytes long
    assert files(tmp_path / "out" / "fgr") == [f"{'y' * 250}.webp"]


def test_partners_in_two_unicode_forms(tmp_path):
    for name in ("Grüße", "É/à", "plain"):
        write_image(tmp_path / "photos" / (unicodedata.normalize("NFC", name) + ".png"), PHOTO)
        write_image(tmp_path / "rooms" / (unicodedata.normalize("NFD", name) + ".png"), PHOTO)
    found = planned(tmp_path)
    assert len(found.jobs) == 3 and not found.failures and not found.notes
    for job in found.jobs:
        assert unicodedata.normalize("NFC", os.path.relpath(job.bgr, tmp_path / "rooms")[:-4]) == job.name
        assert job.outputs["pha"] == tmp_path / "out" / "pha" / f"{job.name}.png"


def test_each_form_keeps_its_own_partner(tmp_path):
    for folder in ("photos", "rooms"):
        for form in ("NFC", "NFD"):
            write_image(tmp_path / folder / (unicodedata.normalize(form, "é") + ".png"), PHOTO)
    found = planned(tmp_path)
    assert len(found.jobs) == 2 and all(job.src.name == job.bgr.name for job in found.jobs)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text(tmp_path, capsys):
    name = os.fsdecode(b"\xe4\xf6")
    write_folders(tmp_path, (name, "a\u202egpj", "b\x1b[31mc"))
    (tmp_path / "rooms" / f"{name}.bmp").write_bytes(b"BM")
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 1
    said = capsys.readouterr()
    assert r"  \udce4\udcf6: cannot decode" in said.err and r"a\u202egpj.png" in said.out and r"b\x1b[31mc" in said.out
    assert not set("\u202e\x1b") & set(said.out + said.err)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_the_command_line_itself_may_be_no_text(tmp_path):
    name = b"\xff\x1b[2J\n.png"
    done = subprocess.run([sys.executable, PROJECT / "predict.py", b"--src", name, b"--bgr", name], cwd=tmp_path,
                          capture_output=True,
                          env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and b"\x1b" not in done.stderr
    assert rb"\udcff\x1b[2J\n.png" in done.stderr
    done = subprocess.run([sys.executable, PROJECT / "predict.py", name, "--wrong" + "\u202e"], capture_output=True)
    assert done.returncode == 2 and not {0x1b, 0xff} & set(done.stderr) and "\u202e" not in done.stderr.decode()


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_slashes_behind_folders(tmp_path, slash):
    write_folders(tmp_path)
    flags = [f"{flag}{slash}" if number % 2 else flag for number, flag in enumerate(folder_flags(tmp_path))]
    assert run(*flags, "--type", "pha") == 0 and files(tmp_path / "out") == ["pha/a.png", "pha/clip/b.png"]


def test_folders_and_files_of_other_systems_are_no_data(tmp_path, capsys):
    write_folders(tmp_path, ("a",))
    for place in ("@eaDir", ".AppleDouble", "lost+found", "$Recycle.Bin", "#recycle", "@Recycle",
                  ".Trash-1000", "System Volume Information", "__MACOSX", "sub/@eaDir"):
        write_image(tmp_path / "photos" / place / "x.png", PHOTO)
    for name in (".DS_Store", "thumbs.db", "._a.jpg", "desktop.ini"):
        (tmp_path / "photos" / name).write_bytes(b"junk")
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 0
    assert files(tmp_path / "out") == ["pha/a.png"] and capsys.readouterr().err == ""


def test_what_a_folder_leaves_out_is_counted_and_named(tmp_path, capsys):
    write_folders(tmp_path, ("a",))
    for name in ("b.CR2", "c.nef", "d.psd", "notes.txt", "clip.mp4", *(f"e{number}.jxl" for number in range(5))):
        (tmp_path / "photos" / name).write_bytes(b"x")
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for words in ("(b.CR2, c.nef)", "(d.psd)", "(notes.txt)", "(clip.mp4)", "(e0.jxl, e1.jxl, e2.jxl, ...)"):
        assert words in said, words


@pytest.mark.parametrize("name", ["a.psd", "a.NEF", "a.svg"])
def test_one_photo_of_a_kind_that_is_not_read(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "b.png", PHOTO)
    (tmp_path / "photos").mkdir()
    for place in (tmp_path, tmp_path / "photos"):
        (place / name).write_bytes(b"8BPS")
    for src in (name, "photos"):
        assert name in refuse(capsys, tmp_path / "out", "--src", src, "--bgr", "b.png")
