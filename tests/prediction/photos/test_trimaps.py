"""Photos with a trimap, and photos alone, around a stand-in network: what is read, written, shown and refused."""
import re

import numpy as np
import pytest

from bgmatting.media import read_gray, read_image, read_rgba, write_image
from bgmatting.prediction import core
from bgmatting.prediction.photos.plan import Job
from bgmatting.prediction.photos.read_pair import PairReader
from tests.prediction.command import Matte, files, refuse, run
from tests.prediction.weights import write_weights


class ByTrimap:
    """Takes a trimap's word where it is sure, and a half elsewhere; without one, what is red."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def predict(self, src, bgr, want, rows=None, trimap=None):
        assert bgr is None
        pha = src[..., 0] / np.float32(255) if trimap is None else np.select([trimap == 0, trimap == 255], [0, 1], 0.5)
        made = {"pha": pha.astype(np.float32), "fgr": src / np.float32(255)}
        matte = Matte(*(made.get(name) if name in want else None for name in Matte._fields))
        return matte if rows is None else rows(0, matte)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(core, "open_matter", lambda options: ByTrimap())
    monkeypatch.setattr("bgmatting.model.inference.single.check_foreground", lambda: None)  # the stand-in gives colours
    for method in ("modnet", "dim"):
        write_weights(tmp_path / f"{method}.safetensors", method)
    for number, name in enumerate(("a", "sub/b")):
        write_image(tmp_path / "photos" / f"{name}.png", np.full((6, 9, 3), 100 + number, np.uint8))
        write_image(tmp_path / "trimaps" / f"{name}.bmp", trimap())
    return tmp_path


def trimap(size=(6, 9), values=(0, 128, 255)):
    return np.array(values, np.uint8)[np.arange(size[1]) * 3 // size[1]][None].repeat(size[0], 0)


DIM = ("--weights", "dim.safetensors", "--output", "out")
MODNET = ("--weights", "modnet.safetensors", "--output", "out")


@pytest.mark.parametrize("large", [False, True])
def test_one_photo_and_its_trimap(home, monkeypatch, large):
    if large:  # in strips
        monkeypatch.setattr("bgmatting.prediction.photos.pipeline.LARGE", 10)
    assert run("--src", "photos/a.png", "--trimap", "trimaps/a.bmp", *DIM, "--type", "pha", "com", "fgr") == 0
    assert files(home / "out") == ["a_com.png", "a_fgr.png", "a_pha.png"]
    assert read_gray(home / "out" / "a_pha.png")[0].tolist() == [0] * 3 + [128] * 3 + [255] * 3
    rgb, alpha = read_rgba(home / "out" / "a_com.png")
    assert rgb[0, 4].tolist() == [100] * 3 and alpha[0, 4] == 128 and not rgb[:, :3].any()


def test_a_folder_and_its_trimaps(home, capsys):
    write_image(home / "photos" / "alone.png", np.zeros((6, 9, 3), np.uint8))
    assert run("--src", "photos", "--trimap", "trimaps", *DIM, "--type", "pha") == 1
    assert files(home / "out") == ["pha/a.png", "pha/sub/b.png"]
    told = capsys.readouterr()
    assert "alone: no partner in trimaps" in told.err and "2 done, 1 failed" in told.out


def test_a_photo_and_a_folder_alone(home):
    assert run("--src", "photos/a.png", *MODNET[:3], "me.png") == 0
    assert read_rgba(home / "me.png")[1].tolist() == [[100] * 9] * 6
    assert run("--src", "photos", *MODNET, "--target-bgr", "#0000ff", "--type", "com") == 0
    assert files(home / "out") == ["com/a.png", "com/sub/b.png"]
    assert read_image(home / "out" / "com" / "a.png")[0, 0].tolist() == [39, 39, 194]  # 100 * 100 / 255 (+ 255 * 155 / 255)
    assert run("--src", "photos/a.png", *MODNET, "--target-bgr", "blur", "--type", "com") == 0  # the photo's own scene
    assert abs(read_image(home / "out" / "a_com.png").astype(int) - 100).max() <= 1


def test_a_sheet_shows_what_is_there(home):
    for flags, panels in (((*MODNET,), 3), (("--trimap", "trimaps", *DIM), 4)):
        assert run("--src", "photos", *flags, "--sheet", "sheet.png", "--overwrite") == 0
        assert read_image(home / "sheet.png").shape[1] == panels * 450 + 16


@pytest.mark.parametrize("picture, words", [
    (None, "no such image or folder: t.png"), (trimap((6, 8)), "photos/a.png is 9x6 but its trimap t.png is 8x6"),
    (np.dstack([trimap(), trimap(), trimap()[:, ::-1]]), "t.png is an image in colours"),
    (trimap(values=(0, 1, 2)), "holds the numbers 0 to 2"),
    (trimap(values=(0, 1, 2)).astype(np.uint16), "holds the numbers 0 to 2 of 65535"),
    (trimap().astype(np.uint16), "holds the numbers 0 to 255 of 65535")])
def test_wrong_trimaps(home, capsys, picture, words):
    if picture is not None:
        write_image(home / "t.png", picture)
    assert words in refuse(capsys, home / "out", "--src", "photos/a.png", "--trimap", "t.png", *DIM[:2])


@pytest.mark.parametrize("src, trimap, output, words", [
    ("photos/a.png", "photos.txt", "out", "photos.txt"), ("photos/a.png", "trimaps", "out", "trimaps is a folder"),
    ("photos/sub", "trimaps/sub/..", "out", "unpaired"), ("photos", "trimaps", "trimaps/out", "trimaps/out")])
def test_damaged_and_misplaced_trimaps(home, capsys, src, trimap, output, words):
    (home / "photos.txt").write_bytes(b"no image")
    assert words in refuse(capsys, home / output, "--src", src, "--trimap", trimap, *DIM[:2])


@pytest.mark.parametrize("picture, note", [(trimap(), None), (trimap(values=(0, 255, 255)), "no unknown pixels"),
                                           (np.dstack([trimap()] * 3), None), (np.zeros((6, 9), np.uint8), "no unknown")])
def test_trimaps_that_are_taken(home, picture, note):
    write_image(home / "t.png", picture)
    pair = PairReader()(Job("a", home / "photos" / "a.png", None, {}, home / "t.png"))
    np.testing.assert_array_equal(pair.trimap, picture if picture.ndim == 2 else picture[..., 0])
    assert pair.bgr is None and bool(pair.notes) == (note is not None) and re.search(note or "", "".join(pair.notes))


def test_memory_is_reckoned_with_the_networks_input(home, capsys, monkeypatch):
    write_image(home / "thin.png", np.zeros((4, 400, 3), np.uint8))
    monkeypatch.setattr("bgmatting.media.bounds.free_memory", lambda: 1 << 30)
    said = refuse(capsys, home / "out", "--src", "thin.png", *MODNET[:2])
    assert re.search(r"thin.png, for modnet, is 51200x512: matting it takes about \d+\.\d GiB, and 1.0 GiB of memory", said)
