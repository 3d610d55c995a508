"""predict.py for folders around a stand-in network: pairs, what is done already, parts, signals, the sheet."""
import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import read_image, write_bytes, write_image
from bgmatting.prediction import core, rendering
from bgmatting.prediction.photos import read_pair, sheet
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.isolation import Workers
from tests.closed_folders import close_folder
from tests.prediction.command import StandIn, files, folder_flags, refuse, run, write_folders
from tests.utils import faults

pytestmark = pytest.mark.usefixtures("stand_in")


def test_folders_are_paired_without_suffix_and_one_background_is_for_all(tmp_path, capsys):
    write_folders(tmp_path)
    assert run(*folder_flags(tmp_path)) == 0
    assert files(tmp_path / "out") == ["com/a.png", "com/clip/b.png", "pha/a.png", "pha/clip/b.png"]
    assert capsys.readouterr().out.count("\n") == 1 + 2 + 1  # the backend, the photos, and how many
    assert run("--src", tmp_path / "photos", "--bgr", tmp_path / "rooms" / "a.bmp", "--output", tmp_path / "one") == 0
    assert files(tmp_path / "one") == files(tmp_path / "out")


@pytest.mark.parametrize("flags, named", [
    ("--src photos --bgr rooms/new --output out", "(a, clip/b)"), ("--src empty --bgr rooms --output out", "no images"),
    ("--src photos --bgr rooms --output photos/out", "--output"),
    ("--src photos --bgr rooms --output out --sheet photos/sheet.png", "--sheet"),
    ("--src photos --bgr rooms --output out --sheet rooms/new/sheet.png", "--sheet"),
    ("--src photos --bgr rooms --output out --sheet out/../out/pha/a.png", "--sheet"),
    ("--src photos/a.png --bgr rooms/a.bmp --output me.png --sheet ./me.png", "--sheet"),
    ("--src photos/a.png --bgr rooms/a.bmp --output me --sheet me/a_com.png --overwrite", "--sheet")])
def test_folders_that_cannot_be(tmp_path, capsys, monkeypatch, flags, named):
    monkeypatch.chdir(tmp_path)
    write_folders(tmp_path)
    write_folders(tmp_path / "rooms" / "new", ("other",))
    (tmp_path / "empty").mkdir()
    before = files(tmp_path)
    with pytest.raises(UserError) as caught:
        run(*flags.split())
    assert named in str(caught.value) and files(tmp_path) == before


def test_a_photo_called_sheet_is_none(tmp_path, capsys):
    write_folders(tmp_path, ("sheet", "b"))
    given = {"bgr": str(tmp_path / "rooms"), "type": ("pha", "com")}
    report = core.matte_photos(tmp_path / "photos", output=str(tmp_path / "out"), sheet=str(tmp_path / "rows.png"), **given)
    made = {name: {kind: tmp_path / "out" / kind / f"{name}.png" for kind in ("pha", "com")} for name in ("b", "sheet")}
    assert report.files == made and report.sheet == tmp_path / "rows.png"
    assert set(report.paths) == {*(path for one in made.values() for path in one.values()), tmp_path / "rows.png"}
    assert len(report.paths) == 5 and all(path.is_file() for path in report.paths)
    alone = core.matte_photos(tmp_path / "photos", output=str(tmp_path / "two"), **given)
    assert alone.sheet is None and set(alone.files) == {"b", "sheet"} and len(alone.paths) == 4
    capsys.readouterr()
    assert run(*folder_flags(tmp_path, "--overwrite")) == 0 and "rows.png" not in capsys.readouterr().out
    assert run(*folder_flags(tmp_path, "--overwrite", "--sheet", tmp_path / "new.png")) == 0
    assert f"  ->  {tmp_path / 'new.png'}" in capsys.readouterr().out


def test_what_fails_in_a_folder_is_listed_and_the_rest_is_done(tmp_path, capsys):
    write_folders(tmp_path, ("a", "clip/b", "c", "d", "e"))
    (tmp_path / "rooms" / "clip" / "b.bmp").write_bytes(b"BM")
    (tmp_path / "photos" / "c.png").write_bytes(b"")
    (tmp_path / "rooms" / "d.bmp").unlink()
    write_image(tmp_path / "rooms" / "e.bmp", np.zeros((5, 6, 3), np.uint8))
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 1 and files(tmp_path / "out") == ["pha/a.png"]
    said = capsys.readouterr()
    assert "1 done, 4 failed" in said.out
    lines = said.err.splitlines()
    assert lines[0] == "4 failed:" and len(lines) == 5
    for line, words in zip(lines[1:], ("  c: cannot decode", "  clip/b: cannot decode", "  d: no partner", "  e: ")):
        assert line.startswith(words)


@pytest.mark.slow
def test_a_decoder_that_crashes_costs_one_photo(tmp_path, capsys, monkeypatch):
    write_folders(tmp_path, ("a", "b_crash", "c", "d_hang", "e"))
    monkeypatch.setattr(core, "Workers", Workers)
    monkeypatch.setattr(core, "DECODING", core.DECODING._replace(seconds=4.0))
    monkeypatch.setattr(read_pair, "photo", faults.crashing_photo)
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 1
    assert files(tmp_path / "out") == ["pha/a.png", "pha/c.png", "pha/e.png"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and lines[1].startswith("  b_crash: ") and lines[2].startswith("  d_hang: ")


def test_full_disk_in_a_folder_says_what_is_done(tmp_path, capsys, monkeypatch):
    write_folders(tmp_path, ("a", "b", "c"))

    def full(path, data):
        if path.name == "b.png":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_bytes(path, data)
    monkeypatch.setattr(rendering, "write_bytes", full)
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in folder_flags(tmp_path, "--type", "pha")])
    said = capsys.readouterr()
    assert ended.value.code == 2 and "1 done, 2 left" in said.out and said.err.count("\n") == 1 and "b.png" in said.err


def test_a_folder_goes_on_where_it_stopped(tmp_path, capsys, no_network, monkeypatch):
    write_folders(tmp_path, ("a", "b", "c"))
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())
    assert run(*folder_flags(tmp_path)) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    (tmp_path / "out" / "com" / "b.png").unlink()
    leftover = tmp_path / "out" / "com" / ".b.png.4321.tmp"
    leftover.write_bytes(b"half")
    os.utime(leftover, (1, 1))
    capsys.readouterr()
    assert run(*folder_flags(tmp_path)) == 0
    assert "1 done, 2 finished before" in capsys.readouterr().out and not leftover.exists()
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert {path for path in before if before[path] != after[path]} == {tmp_path / "out" / "com" / "b.png"}
    monkeypatch.setattr(core, "open_matter", lambda options: pytest.fail("the network was opened for nothing"))
    assert run(*folder_flags(tmp_path)) == 0 and "0 done, 3 finished before" in capsys.readouterr().out


def test_shards_together_do_all(tmp_path):
    names = [f"{number:02d}" for number in range(9)]
    write_folders(tmp_path, names)
    counts = []
    for part in (1, 2, 3):
        run(*folder_flags(tmp_path, "--type", "pha", "--shard", f"{part}/3"))
        counts.append(len(files(tmp_path / "out")))
    assert files(tmp_path / "out") == [f"pha/{name}.png" for name in names] and 0 < counts[0] < counts[1] < counts[2] == 9


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_new_background_among_the_results_is_never_overwritten(tmp_path, overwrite):
    write_folders(tmp_path)
    beach = tmp_path / "out" / "com" / "clip" / "b.png"
    write_image(beach, np.full((4, 6, 3), 5, np.uint8))
    before = beach.read_bytes()
    with pytest.raises(UserError):
        run(*folder_flags(tmp_path, "--target-bgr", beach, *overwrite))
    assert files(tmp_path / "out") == ["com/clip/b.png"] and beach.read_bytes() == before
    assert run(*folder_flags(tmp_path, "--target-bgr", beach, "--type", "com", "--format", "webp")) == 0


@pytest.fixture
def before_a_film(tmp_path):
    """before_a_film(output, *flags) -> exit code: four photos, with nobody in them, and one without a partner, before a film
    that gets brighter."""
    names = ("a", "b", "b2", "g", "h")
    write_folders(tmp_path, names)
    for name in names:
        write_image(tmp_path / "rooms" / f"{name}.bmp", np.full((4, 6, 3), 99, np.uint8))
    (tmp_path / "rooms" / "b2.bmp").unlink()
    for number in range(8):
        write_image(tmp_path / "film" / f"{number:04d}.png", np.full((4, 6, 3), 30 * number, np.uint8))
    return lambda output, *flags: run("--src", tmp_path / "photos", "--bgr", tmp_path / "rooms", "--type", "com",
                                      "--target-bgr", tmp_path / "film" / "####.png", "--output", tmp_path / output, *flags)


def levels(folder):
    """{name: gray level} of the images in ``folder``."""
    return {name: read_image(folder / name).mean() for name in files(folder)}


def test_each_photo_has_its_own_image_of_a_film_behind_it(tmp_path, before_a_film):
    assert before_a_film("whole") == 1  # b2 has no partner
    whole = levels(tmp_path / "whole" / "com")
    assert whole == {"a.png": 0, "b.png": 30, "g.png": 90, "h.png": 120}
    shares = []
    for part in ("1/2", "2/2"):
        before_a_film("parts", "--shard", part)
        shares.append(len(files(tmp_path / "parts" / "com")))
    assert 0 < shares[0] < shares[1] == 4 and levels(tmp_path / "parts" / "com") == whole
    assert before_a_film("again") == 1
    for name in ("b.png", "h.png"):
        (tmp_path / "again" / "com" / name).unlink()
    assert before_a_film("again") == 1 and levels(tmp_path / "again" / "com") == whole


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_film_goes_on_where_a_signal_came(tmp_path, monkeypatch, before_a_film):
    class Stopped(StandIn):
        def predict(self, *args):
            os.kill(os.getpid(), signal.SIGINT)
            return super().predict(*args)
    monkeypatch.setattr(core, "open_matter", lambda options: Stopped())
    assert before_a_film("out") == 130 and levels(tmp_path / "out" / "com") == {"a.png": 0}
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())
    assert before_a_film("out") == 1
    assert levels(tmp_path / "out" / "com") == {"a.png": 0, "b.png": 30, "g.png": 90, "h.png": 120}


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_photo_under_way(tmp_path, capsys, monkeypatch, number):
    class Stopped(StandIn):
        calls = 0

        def predict(self, *args):
            self.calls += 1
            if self.calls == 2:
                os.kill(os.getpid(), number)
            return super().predict(*args)
    write_folders(tmp_path, ("a", "b", "c", "d"))
    monkeypatch.setattr(core, "open_matter", lambda options: Stopped())
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 130
    said = capsys.readouterr()
    assert "2 done, 2 left" in said.out and "goes on from here" in said.err
    assert files(tmp_path / "out") == ["pha/a.png", "pha/b.png"]
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 0 and len(files(tmp_path / "out")) == 4


def test_sheet_of_a_folder(tmp_path, capsys):
    write_folders(tmp_path, ("a", "b", "c"))
    assert run(*folder_flags(tmp_path, "--type", "err", "--sheet", tmp_path / "sheet.png", "--sheet-rows", "2")) == 0
    one_row = read_image(tmp_path / "sheet.png").shape[0] / 2
    assert files(tmp_path / "out") == ["err/a.png", "err/b.png", "err/c.png"] and one_row > 300
    data = (tmp_path / "sheet.png").read_bytes()
    run(*folder_flags(tmp_path, "--type", "ref", "--sheet", tmp_path / "sheet.png"))
    assert "stays as it is" in capsys.readouterr().err and (tmp_path / "sheet.png").read_bytes() == data
    run(*folder_flags(tmp_path, "--type", "ref", "--sheet", tmp_path / "sheet.png", "--overwrite"))
    assert read_image(tmp_path / "sheet.png").shape[0] == 3 * one_row


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="rights do not bind this user")
def test_files_and_folders_without_permission(tmp_path, capsys, no_network):
    write_folders(tmp_path)
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(UserError, match="no permission"):
        run(*folder_flags(tmp_path))
    (tmp_path / "photos" / "a.png").chmod(0)
    with pytest.raises(UserError, match="cannot read"):
        run("--src", tmp_path / "photos" / "a.png", "--bgr", tmp_path / "rooms" / "a.bmp", "--output", tmp_path / "new")


@pytest.mark.parametrize("which", ["photos", "rooms"])
def test_a_folder_that_may_not_be_read_is_its_own_failure(tmp_path, capsys, monkeypatch, stand_in, which):
    write_folders(tmp_path, ("a", "clip/b", "clip/deep/c", "other/d"))
    close_folder(monkeypatch, tmp_path / which / "clip")
    assert run(*folder_flags(tmp_path)) == 1
    said = capsys.readouterr()
    assert files(tmp_path / "out") == ["com/a.png", "com/other/d.png", "pha/a.png", "pha/other/d.png"]
    lines = said.err.splitlines()
    assert f"  {tmp_path / which / 'clip'}: Permission denied; nothing in this folder was done" in lines
    assert sum("no partner" in line for line in lines) == (2 if which == "rooms" else 0)
    if which == "photos":
        close_folder(monkeypatch, tmp_path / "photos")
        assert "cannot list" in refuse(capsys, tmp_path / "new", *folder_flags(tmp_path)[:4])


def test_whatever_a_decoder_raises_is_one_photos_failure(tmp_path, capsys, monkeypatch):
    names = [str(number) for number in range(len(faults.ERRORS))]
    write_folders(tmp_path, ("a", *names))
    monkeypatch.setattr(read_pair, "photo", faults.raising_photo)
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 1
    said = capsys.readouterr()
    assert files(tmp_path / "out") == ["pha/a.png"] and f"1 done, {len(names)} failed" in said.out
    lines = said.err.splitlines()[1:]
    reasons = ["more memory" if isinstance(error, MemoryError) else type(error).__name__ for error in faults.ERRORS]
    for name, reason, line in zip(names, reasons, lines):
        assert line.startswith(f"  {name}: ") and reason in line
        with pytest.raises(UserError, match=f"{name}.png: .*{reason}"):
            run("--src", tmp_path / "photos" / f"{name}.png", "--bgr", tmp_path / "rooms" / f"{name}.bmp", "--output",
                tmp_path / "new")


def test_a_sheet_that_cannot_be_written_hides_nothing(tmp_path, monkeypatch, capsys):
    write_folders(tmp_path)
    write_image(tmp_path / "photos" / "wrong.png", np.zeros((5, 5, 3), np.uint8))
    write_image(tmp_path / "rooms" / "wrong.png", np.zeros((4, 6, 3), np.uint8))

    def full(*_):
        raise OSError(28, "No space left on device", "s.png")
    monkeypatch.setattr(sheet, "write_image", full)
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in folder_flags(tmp_path, "--sheet", tmp_path / "s.png")])
    said = capsys.readouterr()
    assert ended.value.code == 2 and "2 done" in said.out and "1 failed" in said.err and "wrong" in said.err


def test_an_input_by_another_name_is_not_replaced(tmp_path, monkeypatch, capsys):
    """As on a file system that takes me.PNG and me.png for one."""
    write_folders(tmp_path)
    monkeypatch.chdir(tmp_path)
    os.link("photos/a.png", "me.png")
    kept = Path("me.png").read_bytes()
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, ["--src", "photos/a.png", "--bgr", "rooms/a.bmp", "--output", "me.png", "--overwrite"])
    assert ended.value.code == 2 and Path("me.png").read_bytes() == kept


@pytest.mark.parametrize("name", ["src", "bgr", "output", "target_bgr", "sheet", "weights"])
def test_an_empty_name_is_no_folder(tmp_path, monkeypatch, name):
    write_folders(tmp_path)
    monkeypatch.chdir(tmp_path / "photos")
    given = {"src": "a.png", "bgr": "../rooms/a.bmp", "output": "../out", name: ""}
    with pytest.raises(UserError):
        core.matte(given.pop("src"), matter=StandIn(), **given)
    assert not (tmp_path / "out").exists() and sorted(os.listdir()) == ["a.png", "clip"]
