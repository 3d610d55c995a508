"""predict.py around a stand-in network: what is written where, and one clear line for every kind of bad input."""
import errno
import importlib.machinery
import os
import re
import signal
import subprocess
import sys
import types
from collections import namedtuple

import cv2
import numpy as np
import pytest
from PIL import Image

import predict
from media import read_gray, read_image, read_rgba, write_bytes, write_image
from prediction import flags, outputs
from prediction.source import inputs
from utils.cli import run_main
from utils.errors import UserError
from utils.files import PROJECT

Matte = namedtuple("Matte", "pha fgr err ref")


class StandIn:
    """Takes for subject whatever differs from bgr; keeps the colours of src."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def predict(self, src, bgr, want=Matte._fields):
        differs = (src != bgr).any(2).astype(np.float32)
        made = Matte(differs, src.astype(np.float32) / 255, differs * 0.5, differs)
        return Matte(*(value if name in want else None for name, value in zip(Matte._fields, made)))


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(predict, "open_matter", lambda args: StandIn())
    monkeypatch.setattr(flags, "background_fitter", lambda args, video=False: None)


@pytest.fixture
def no_network(monkeypatch):
    """Whoever opens the network fails."""
    monkeypatch.setattr(predict, "open_matter", lambda args: pytest.fail("the network was opened"))


@pytest.fixture
def photos(tmp_path):
    """src.png: a bright square (rows 2-4, columns 3-6) on bgr.png; 9x7, an odd size."""
    bgr = np.full((7, 9, 3), 20, np.uint8)
    src = bgr.copy()
    src[2:5, 3:7] = (200, 100, 50)
    write_image(tmp_path / "src.png", src)
    write_image(tmp_path / "bgr.png", bgr)
    return tmp_path


def run(*args):
    return predict.main([str(arg) for arg in args])


def refuse(capsys, output, *args):
    """Run, and return the one line on stderr; exit code 2 and no output are asserted."""
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in args] + ["--output", str(output)])
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert not output.exists()
    return said.err


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_one_photo(photos, capsys):
    run("--src", photos / "src.png", "--bgr", photos / "bgr.png", "--output", photos / "out")
    assert files(photos / "out") == ["src_com.png", "src_pha.png"]
    pha = read_gray(photos / "out" / "src_pha.png")
    assert pha.shape == (7, 9) and pha.sum() == 12 * 255 and pha[2:5, 3:7].min() == 255
    rgb, alpha = read_rgba(photos / "out" / "src_com.png")
    np.testing.assert_array_equal(alpha, pha)
    assert rgb[3, 4].tolist() == [200, 100, 50] and not rgb[pha == 0].any()
    said = capsys.readouterr().out
    assert said.count("\n") == 2 and "src.png" in said and "9x7" in said and "src_pha.png" in said


def test_all_types(photos):
    run("--src", photos / "src.png", "--bgr", photos / "bgr.png", "--output", photos / "out",
        "--type", "ref", "err", "fgr", "com", "pha", "pha")
    assert files(photos / "out") == [f"src_{word}.png" for word in ("com", "err", "fgr", "pha", "ref")]
    assert read_gray(photos / "out" / "src_err.png")[3, 4] == 128
    np.testing.assert_array_equal(read_image(photos / "out" / "src_fgr.png"), read_image(photos / "src.png"))


def write_folders(root, names=("a", "clip/b")):
    for name in names:
        write_image(root / "photos" / f"{name}.png", np.full((4, 6, 3), 99, np.uint8))
        write_image(root / "rooms" / f"{name}.bmp", np.zeros((4, 6, 3), np.uint8))


def test_folders_are_paired_without_suffix(tmp_path, capsys):
    write_folders(tmp_path)
    run("--src", tmp_path / "photos", "--bgr", tmp_path / "rooms", "--output", tmp_path / "out")
    assert files(tmp_path / "out") == ["com/a.png", "com/clip/b.png", "pha/a.png", "pha/clip/b.png"]
    assert capsys.readouterr().out.count("\n") == 1 + 2 + 1  # the backend, the photos, and how many


def test_one_background_for_all(tmp_path):
    write_folders(tmp_path)
    run("--src", tmp_path / "photos", "--bgr", tmp_path / "rooms" / "a.bmp", "--output", tmp_path / "out",
        "--type", "pha")
    assert files(tmp_path / "out") == ["pha/a.png", "pha/clip/b.png"]


def test_without_arguments_the_sample_pair_goes_into_image():
    args = predict.parse([])
    src, bgr = inputs(args)
    assert read_image(src).shape == read_image(bgr).shape == (960, 1280, 3)
    assert args.output == PROJECT / "image" and args.type is None and not args.overwrite


def test_the_sample_pair_can_be_done_again(tmp_path):
    for _ in range(2):
        assert run("--output", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["src_com.png", "src_pha.png"]


@pytest.mark.parametrize("flag", ["--backbone-scale", "--backbone_scale"])
def test_hyphen_and_underscore(flag):
    assert predict.parse([flag, "0.125"]).backbone_scale == 0.125


def test_missing_photo(photos, capsys):
    said = refuse(capsys, photos / "out", "--src", photos / "gone.png", "--bgr", photos / "bgr.png")
    assert "gone.png" in said


def test_half_a_pair(photos, capsys):
    assert "--bgr" in refuse(capsys, photos / "out", "--src", photos / "src.png")
    assert "--src" in refuse(capsys, photos / "out", "--bgr", photos / "bgr.png")


@pytest.mark.parametrize("name, data, words", [
    ("bad.jpg", b"not a picture", "cannot decode"),
    ("me.mp4", b"\0\0\0\x18ftyp", "is a video"),
    ("cut.jpg", cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()[:-40], "cut short"),
])
@pytest.mark.parametrize("role", ["src", "bgr"])
def test_unusable_photo(photos, capsys, name, data, words, role):
    if name == "me.mp4" and role == "src":
        pytest.skip("a video is a src of its own kind")
    (photos / name).write_bytes(data)
    chosen = {"src": photos / "src.png", "bgr": photos / "bgr.png", role: photos / name}
    said = refuse(capsys, photos / "out", "--src", chosen["src"], "--bgr", chosen["bgr"])
    assert name in said and words in said


def test_different_sizes(photos, capsys):
    write_image(photos / "small.png", np.zeros((7, 8, 3), np.uint8))
    said = refuse(capsys, photos / "out", "--src", photos / "src.png", "--bgr", photos / "small.png")
    assert "9x7" in said and "8x7" in said and "small.png" in said and "--fit" in said


def test_what_fails_in_a_folder_is_listed_and_the_rest_is_done(tmp_path, capsys):
    write_folders(tmp_path, ("a", "clip/b", "c", "d", "e"))
    (tmp_path / "rooms" / "clip" / "b.bmp").write_bytes(b"BM")
    (tmp_path / "photos" / "c.png").write_bytes(b"")
    (tmp_path / "rooms" / "d.bmp").unlink()
    write_image(tmp_path / "rooms" / "e.bmp", np.zeros((5, 6, 3), np.uint8))
    args = ["--src", tmp_path / "photos", "--bgr", tmp_path / "rooms", "--output", tmp_path / "out", "--type", "pha"]
    assert run(*args) == 1 and files(tmp_path / "out") == ["pha/a.png"]
    said = capsys.readouterr()
    assert "1 done, 4 failed" in said.out
    lines = said.err.splitlines()
    assert lines[0] == "4 failed:" and len(lines) == 5
    for line, words in zip(lines[1:], ("  c: cannot decode", "  clip/b: cannot decode", "  d: no partner", "  e: ")):
        assert line.startswith(words)


def test_folders_that_share_no_name(tmp_path, capsys):
    write_folders(tmp_path)
    for name in ("a", "clip/b"):
        (tmp_path / "rooms" / f"{name}.bmp").rename(tmp_path / "rooms" / f"{name}_bgr.bmp")
    said = refuse(capsys, tmp_path / "out", "--src", tmp_path / "photos", "--bgr", tmp_path / "rooms")
    assert "(a, clip/b)" in said and "(a_bgr, clip/b_bgr)" in said


def test_empty_folder(photos, capsys):
    (photos / "empty").mkdir()
    said = refuse(capsys, photos / "out", "--src", photos / "empty", "--bgr", photos / "bgr.png")
    assert "empty" in said and "no pictures" in said


def test_folder_of_backgrounds_for_one_photo(photos, capsys):
    (photos / "rooms").mkdir()
    said = refuse(capsys, photos / "out", "--src", photos / "src.png", "--bgr", photos / "rooms")
    assert "rooms is a folder" in said


def test_unknown_type(photos, capsys):
    said = refuse(capsys, photos / "out", "--src", photos / "src.png", "--bgr", photos / "bgr.png", "--type", "phaa")
    assert "'phaa'" in said and "Did you mean 'pha'" in said


def test_negative_sample_pixels(capsys, tmp_path):
    assert "--sample-pixels" in refuse(capsys, tmp_path / "out", "--sample_pixels", "-16")


def test_wrong_weights(photos, capsys, monkeypatch):
    def open_matter(args):
        raise UserError(f"{args.weights} cannot be read as weights.")
    monkeypatch.setattr(predict, "open_matter", open_matter)
    said = refuse(capsys, photos / "out", "--src", photos / "src.png", "--bgr", photos / "bgr.png",
                  "--weights", "w.pth")
    assert "w.pth" in said


def test_output_among_the_photos(tmp_path, capsys):
    write_folders(tmp_path)
    said = refuse(capsys, tmp_path / "photos" / "out", "--src", tmp_path / "photos", "--bgr", tmp_path / "rooms")
    assert "--output" in said


def test_output_never_overwrites_an_input(photos, capsys):
    (photos / "bgr.png").rename(photos / "src_pha.png")
    before = files(photos)
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, ["--src", str(photos / "src.png"), "--bgr", str(photos / "src_pha.png"),
                                "--output", str(photos)])
    assert ended.value.code == 2 and "src_pha.png" in capsys.readouterr().err and files(photos) == before


def test_output_is_a_file(photos, capsys):
    (photos / "out").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, ["--src", str(photos / "src.png"), "--bgr", str(photos / "bgr.png"),
                                "--output", str(photos / "out")])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "out" in said and said.count("\n") == 1
    assert (photos / "out").read_text() == "mine"


def test_full_disk(photos, capsys, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    monkeypatch.setattr(outputs, "write_bytes", full)
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, ["--src", str(photos / "src.png"), "--bgr", str(photos / "bgr.png"),
                                "--output", str(photos / "out")])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "src_pha.png" in said and said.count("\n") == 1 and not files(photos / "out")


def test_full_disk_in_a_folder_says_what_is_done(tmp_path, capsys, monkeypatch):
    write_folders(tmp_path, ("a", "b", "c"))

    def full(path, data):
        if path.name == "b.png":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_bytes(path, data)
    monkeypatch.setattr(outputs, "write_bytes", full)
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in folder_flags(tmp_path, "--type", "pha")])
    said = capsys.readouterr()
    assert ended.value.code == 2 and "1 done, 2 left" in said.out and said.err.count("\n") == 1 and "b.png" in said.err


def pair_flags(photos, *more):
    return ("--src", photos / "src.png", "--bgr", photos / "bgr.png", *more)


def test_an_existing_result_is_refused_and_replaced_when_asked(photos, capsys, no_network, monkeypatch):
    (photos / "out").mkdir()
    (photos / "out" / "src_com.png").write_bytes(b"mine")
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in pair_flags(photos, "--output", photos / "out")])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "src_com.png exists" in said and "--overwrite" in said and said.count("\n") == 1
    assert (photos / "out" / "src_com.png").read_bytes() == b"mine"
    monkeypatch.setattr(predict, "open_matter", lambda args: StandIn())
    assert run(*pair_flags(photos, "--output", photos / "out", "--overwrite")) == 0
    assert read_rgba(photos / "out" / "src_com.png")[1].max() == 255


def test_output_may_name_the_picture(photos):
    run(*pair_flags(photos, "--output", photos / "new" / "me.png"))
    assert read_rgba(photos / "new" / "me.png")[1].sum() == 12 * 255 and files(photos / "new") == ["me.png"]
    run(*pair_flags(photos, "--output", photos / "mask.webp", "--type", "pha"))
    assert read_gray(photos / "mask.webp").sum() == 12 * 255


@pytest.mark.parametrize("form, suffix", [("webp", "webp"), ("tiff", "tif"), ("png", "png")])
def test_formats(photos, form, suffix):
    run(*pair_flags(photos, "--output", photos / "out", "--format", form))
    assert files(photos / "out") == [f"src_com.{suffix}", f"src_pha.{suffix}"]


def test_16_bits(photos):
    run(*pair_flags(photos, "--output", photos / "out", "--bit-depth", "16", "--type", "pha", "fgr"))
    for word, channels in (("pha", ()), ("fgr", (3,))):
        found = cv2.imread(str(photos / "out" / f"src_{word}.png"), cv2.IMREAD_UNCHANGED)
        assert found.dtype == np.uint16 and found.shape == (7, 9, *channels)


@pytest.mark.parametrize("more, words", [
    (("--format", "jpg"), "jpg holds no alpha.*png, webp, tiff"),
    (("--format", "webp", "--bit-depth", "16"), "webp holds 8 bits.*png, tiff"),
    (("--type", "pha", "--target-bgr", "white"), "does not name com"),
    (("--target-bgr", "whitee"), "no such background: whitee"),
    (("--shard", "1/2"), "--shard divides a folder"),
    (("--shard", "0/2"), "counted from 1"),
    (("--video-format", "mov"), "--video-format is for videos"),
    (("--temporal",), "--temporal is for videos"),
    (("--sheet", "sheet"), "--sheet names a picture"),
    (("--sheet", "s.png", "--sheet-rows", "0"), "--sheet-rows")])
def test_flags_that_do_not_go_together(photos, capsys, no_network, more, words):
    assert re.search(words, refuse(capsys, photos / "out", *pair_flags(photos, *more)))


@pytest.mark.parametrize("name, more, words", [
    ("me.jpg", (), "jpg holds no alpha"), ("me.png", ("--type", "pha", "com"), "one picture, and --type names 2"),
    ("me.png", ("--format", "tiff"), "is png, but --format is tiff")])
def test_an_output_picture_that_cannot_be(photos, capsys, no_network, name, more, words):
    assert words in refuse(capsys, photos / name, *pair_flags(photos, *more))


def test_before_a_colour_in_jpeg(photos):
    run(*pair_flags(photos, "--output", photos / "me.jpg", "--target-bgr", "#00ff00"))
    found = read_image(photos / "me.jpg")
    assert abs(found[0, 0].astype(int) - (0, 255, 0)).max() < 12 and found.shape == (7, 9, 3)


def test_a_file_named_twice_is_doubted(photos, capsys):
    run(*pair_flags(photos, "--output", photos / "out", "--target-bgr", photos / "bgr.png"))
    assert "note: --target-bgr and --bgr name the same file" in capsys.readouterr().err


def test_fit(photos):
    write_image(photos / "small.png", np.full((14, 18, 3), 20, np.uint8))
    for fit in ("resize", "crop"):
        run("--src", photos / "src.png", "--bgr", photos / "small.png", "--output", photos / fit, "--type", "pha",
            "--fit", fit)
        assert read_gray(photos / fit / "src_pha.png").sum() == 12 * 255


def test_what_is_said_about_a_background_is_shown(photos, capsys, monkeypatch):
    notes = ["bgr seems to show another scene.\nreally"]
    monkeypatch.setattr(flags, "background_fitter", lambda args, video=False: lambda src, bgr: (bgr, notes))
    run(*pair_flags(photos, "--output", photos / "out"))
    assert capsys.readouterr().err == "note: src.png: bgr seems to show another scene.\\nreally\n"


def folder_flags(root, *more):
    return ("--src", root / "photos", "--bgr", root / "rooms", "--output", root / "out", *more)


def test_a_folder_goes_on_where_it_stopped(tmp_path, capsys, no_network, monkeypatch):
    write_folders(tmp_path, ("a", "b", "c"))
    monkeypatch.setattr(predict, "open_matter", lambda args: StandIn())
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
    monkeypatch.setattr(predict, "open_matter", lambda args: pytest.fail("the network was opened for nothing"))
    assert run(*folder_flags(tmp_path)) == 0 and "0 done, 3 finished before" in capsys.readouterr().out


def test_shards_together_do_all(tmp_path):
    names = [f"{number:02d}" for number in range(12)]
    write_folders(tmp_path, names)
    counts = []
    for part in (1, 2, 3):
        run(*folder_flags(tmp_path, "--type", "pha", "--shard", f"{part}/3"))
        counts.append(len(files(tmp_path / "out")))
    assert files(tmp_path / "out") == [f"pha/{name}.png" for name in names] and 0 < counts[0] < counts[1] < counts[2] == 12


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_photo_under_way(tmp_path, capsys, monkeypatch, number):
    class Stopped(StandIn):
        calls = 0

        def predict(self, *args):
            self.calls += 1
            if self.calls == 2:
                os.kill(os.getpid(), number)
            return super().predict(*args)
    write_folders(tmp_path, ("a", "b", "c", "d"))
    monkeypatch.setattr(predict, "open_matter", lambda args: Stopped())
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


@pytest.mark.parametrize("where", ["photos/sheet.png", "rooms/new/sheet.png"])
def test_sheet_among_the_photos(tmp_path, capsys, where):
    write_folders(tmp_path)
    assert "--sheet" in refuse(capsys, tmp_path / "out", *folder_flags(tmp_path)[:4], "--sheet", tmp_path / where)


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be there")
def test_odd_names_stay_on_one_line(tmp_path, capsys):
    write_folders(tmp_path, ("new\nline", " blank", "Grüße 人", "%s{x}"))
    (tmp_path / "rooms" / "new\nline.bmp").write_bytes(b"BM")
    assert run(*folder_flags(tmp_path, "--type", "pha")) == 1
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 + 3 + 1 and said.err.count("\n") == 2 and "new\\nline" in said.err
    assert files(tmp_path / "out") == ["pha/ blank.png", "pha/%s{x}.png", "pha/Grüße 人.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="rights do not bind this user")
def test_files_and_folders_without_permission(tmp_path, capsys, no_network):
    write_folders(tmp_path)
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(UserError, match="no permission"):
        run(*folder_flags(tmp_path))
    (tmp_path / "photos" / "a.png").chmod(0)
    with pytest.raises(UserError, match="cannot read"):
        run("--src", tmp_path / "photos" / "a.png", "--bgr", tmp_path / "rooms" / "a.bmp", "--output", tmp_path / "new")


class Video:
    """Stands for prediction.video.cli; keeps what it was called with."""

    def run(self, args, open_matter):
        self.args, self.open_matter = args, open_matter
        return 7

    def is_video(self, text):
        return text.endswith(".mp4")


@pytest.fixture
def video(monkeypatch):
    package, cli = types.ModuleType("media.video"), Video()
    package.cli = cli
    package.__spec__ = importlib.machinery.ModuleSpec("media.video", None)
    monkeypatch.setitem(sys.modules, "media.video", package)
    monkeypatch.setitem(sys.modules, "prediction.video.cli", cli)
    return cli


@pytest.mark.parametrize("src", ["clip.mp4", "rtsp://localhost/x", "move.gif"])
def test_videos_go_to_their_own_command(tmp_path, video, src):
    if src == "move.gif":
        frames = [Image.new("L", (8, 8), level) for level in (0, 200)]
        frames[0].save(tmp_path / src, save_all=True, append_images=frames[1:])
        src = str(tmp_path / src)
    assert run("--src", src, "--bgr", "median", "--target-bgr", "white", "--output", tmp_path / "out") == 7
    assert video.args.src == src and video.args.bgr == "median" and tuple(video.args.type) == ("pha", "com")
    assert (video.args.target.frame(0, np.zeros((2, 3, 3), np.uint8)) == 255).all() and not video.args.overwrite
    assert video.open_matter is predict.open_matter


@pytest.mark.parametrize("more, words", [
    (("--shard", "1/2"), "--shard is for photos"), (("--bit-depth", "16"), "--bit-depth is for photos"),
    (("--sheet", "s.png"), "--sheet is for photos")])
def test_flags_that_say_nothing_to_videos(tmp_path, video, capsys, more, words):
    assert words in refuse(capsys, tmp_path / "out", "--src", "clip.mp4", "--bgr", "median", *more)


def test_a_video_without_its_background(video, tmp_path, capsys):
    assert re.search("--bgr.*first:N.*median", refuse(capsys, tmp_path / "out", "--src", "clip.mp4"))


def test_a_videos_output_is_a_folder(tmp_path, video, capsys):
    assert "folder" in refuse(capsys, tmp_path / "me.mp4", "--src", "clip.mp4", "--bgr", "median")


def test_the_starter_weights_on_a_small_pair(tmp_path, monkeypatch):
    monkeypatch.undo()
    for name in ("src", "bgr"):
        photo = cv2.resize(read_image(PROJECT / "image" / "sample" / f"{name}.jpg"), (160, 120),
                           interpolation=cv2.INTER_AREA)
        write_image(tmp_path / f"{name}.png", photo)
    options = ("--align", "off", "--exposure", "off", "--bit-depth", "16", "--type", "pha", "com", "err")
    assert run(*pair_flags(tmp_path, "--output", tmp_path / "out", *options)) == 0
    pha = cv2.imread(str(tmp_path / "out" / "src_pha.png"), cv2.IMREAD_UNCHANGED)
    assert pha.dtype == np.uint16 and pha.shape == (120, 160)
    assert pha[100, 90] > 60000 and pha[20, 20] < 3000  # the suit, the sky
    assert np.count_nonzero(pha % 257) > 100            # not eight bits scaled up


def test_the_command_itself_from_another_folder(tmp_path):
    script = os.path.join(PROJECT, "predict.py")
    result = subprocess.run([sys.executable, script, "--src", "no.jpg", "--bgr", "no.jpg"], cwd=tmp_path,
                            capture_output=True, text=True)
    assert result.returncode == 2 and "no.jpg" in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
