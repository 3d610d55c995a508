"""predict.py around a stand-in network: what is written where, and one clear line for every kind of bad input."""
import errno
import os
import subprocess
import sys
from collections import namedtuple

import cv2
import numpy as np
import pytest

import predict
from utils.errors import UserError, run_main
from utils.media import read_gray, read_image, read_rgba, write_image
from utils.predict import outputs, picture

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
    src, bgr = predict.inputs(args)
    assert read_image(src).shape == read_image(bgr).shape == (960, 1280, 3)
    assert args.output == predict.PROJECT / "image" and args.type is None and not args.overwrite


@pytest.mark.parametrize("flag", ["--backbone-scale", "--backbone_scale"])
def test_hyphen_and_underscore(flag):
    assert predict.parse([flag, "0.125"]).backbone_scale == 0.125


def test_rounding_and_range_of_pictures():
    pha = np.array([[-0.1, 0.001, 0.5, 1.2]], np.float32)
    matte = Matte(pha, np.full((1, 4, 3), 0.4, np.float32), pha, pha)
    assert picture(matte, "pha").tolist() == [[0, 0, 128, 255]]
    assert picture(matte, "com").tolist() == [[[0, 0, 0, 0], [0, 0, 0, 0], [102, 102, 102, 128], [102, 102, 102, 255]]]


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


def test_the_command_itself_from_another_folder(tmp_path):
    script = os.path.join(predict.PROJECT, "predict.py")
    result = subprocess.run([sys.executable, script, "--src", "no.jpg", "--bgr", "no.jpg"], cwd=tmp_path,
                            capture_output=True, text=True)
    assert result.returncode == 2 and "no.jpg" in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
