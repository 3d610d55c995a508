"""predict.py for one photo around a stand-in network: what is written where, and one clear line for bad input."""
import errno

import cv2
import numpy as np
import pytest

from bgmatting.media import read_gray, read_image, read_rgba, write_image
from bgmatting.prediction import core, rendering
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from tests.prediction.command import files, pair_flags, refuse, run

pytestmark = pytest.mark.usefixtures("stand_in")


def test_one_photo(photos, capsys):
    run(*pair_flags(photos, "--output", photos / "out"))
    assert files(photos / "out") == ["src_com.png", "src_pha.png"]
    pha = read_gray(photos / "out" / "src_pha.png")
    assert pha.shape == (7, 9) and pha.sum() == 12 * 255 and pha[2:5, 3:7].min() == 255
    rgb, alpha = read_rgba(photos / "out" / "src_com.png")
    np.testing.assert_array_equal(alpha, pha)
    assert rgb[3, 4].tolist() == [200, 100, 50] and not rgb[pha == 0].any()
    said = capsys.readouterr().out
    assert said.count("\n") == 2 and "src.png" in said and "9x7" in said and "src_pha.png" in said


@pytest.mark.parametrize("bgr", ["first:3", "median", "clip.mp4", "none.png"])
def test_a_scene_that_is_no_photo(photos, monkeypatch, capsys, bgr):
    monkeypatch.chdir(photos)
    (photos / "clip.mp4").write_bytes(b"")
    assert bgr in refuse(capsys, photos / "out", "--src", "src.png", "--bgr", bgr)


def test_all_types(photos):
    run(*pair_flags(photos, "--output", photos / "out", "--type", "ref", "err", "fgr", "com", "pha", "pha"))
    assert files(photos / "out") == [f"src_{word}.png" for word in ("com", "err", "fgr", "pha", "ref")]
    assert read_gray(photos / "out" / "src_err.png")[3, 4] == 128
    np.testing.assert_array_equal(read_image(photos / "out" / "src_fgr.png"), read_image(photos / "src.png"))


def test_what_is_there_is_never_lost(photos):
    (photos / "file").write_text("mine")
    (photos / "bgr.png").rename(photos / "src_pha.png")
    (photos / "out").mkdir()
    (photos / "out" / "src_com.png").write_bytes(b"mine")
    pair, before = ("--src", photos / "src.png", "--bgr", photos / "src_pha.png"), files(photos)
    for output, named in ((photos, "src_pha.png"), (photos / "file", "file"), (photos / "out", "src_com.png exists")):
        with pytest.raises(UserError) as caught:
            run(*pair, "--output", output)
        assert named in str(caught.value) and files(photos) == before
    assert (photos / "file").read_text() == (photos / "out" / "src_com.png").read_text() == "mine"
    assert run(*pair, "--output", photos / "out", "--overwrite") == 0
    assert read_rgba(photos / "out" / "src_com.png")[1].max() == 255


def test_a_new_background_is_never_overwritten(photos, monkeypatch):
    monkeypatch.chdir(photos)
    beach = np.full((7, 9, 3), 90, np.uint8)
    for name in ("beach.png", "src_com.png", "frames/0001.png"):
        write_image(photos / name, beach)
    before = {name: (photos / name).read_bytes() for name in files(photos)}
    for target, output in (("beach.png", "beach.png"), ("src_com.png", "."), ("frames/####.png", "frames/0001.png")):
        with pytest.raises(UserError):
            run(*pair_flags(photos, "--target-bgr", target, "--output", output, "--overwrite"))
        assert {name: (photos / name).read_bytes() for name in files(photos)} == before
    assert run(*pair_flags(photos, "--target-bgr", "beach.png", "--output", "me.png")) == 0
    assert run(*pair_flags(photos, "--target-bgr", "frames/####.png", "--output", "frames/new.png")) == 0
    for word in ("blur", "white"):  # words, whatever files are called so
        (photos / word).mkdir()
        (photos / word / "mine.png").write_bytes(b"mine")
        assert run(*pair_flags(photos, "--target-bgr", word, "--output", f"{word}/me.png", "--sheet", f"{word}/s.png")) == 0
        assert files(photos / word) == ["me.png", "mine.png", "s.png"]


@pytest.mark.parametrize("word", ["PHA", "ALP", "alp"])
def test_types_in_upper_case(photos, word):
    assert run(*pair_flags(photos, "--output", photos / "out", "--type", word)) == 0
    assert files(photos / "out") == ["src_pha.png"]


def test_full_disk(photos, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    monkeypatch.setattr(rendering, "write_bytes", full)
    with pytest.raises(OSError, match="src_pha.png"):
        run(*pair_flags(photos, "--output", photos / "out"))
    assert not files(photos / "out")


def test_output_may_name_the_picture(photos):
    run(*pair_flags(photos, "--output", photos / "new" / "me.png"))
    assert read_rgba(photos / "new" / "me.png")[1].sum() == 12 * 255 and files(photos / "new") == ["me.png"]
    run(*pair_flags(photos, "--output", photos / "mask.webp", "--type", "pha"))
    assert read_gray(photos / "mask.webp").sum() == 12 * 255


@pytest.mark.parametrize("name", ["me.bmp", "me.HEIC", "me.avif", "me.gif", "me.mp4", "me.psd", "me.exr"])
def test_a_file_that_is_not_written_is_no_folder(photos, capsys, no_network, name):
    said = refuse(capsys, photos / name, *pair_flags(photos))
    assert f"{name} looks like a file" in said and ".jpg" in said
    said = refuse(capsys, photos / name, "--src", photos, "--bgr", photos / "bgr.png")
    assert f"{name} looks like a file" in said and ".jpg" not in said


@pytest.mark.parametrize("name, made", [("me.bmp/", False), ("me.bmp", True), ("v1.2", False), ("me.old", False)])
def test_a_folder_may_have_a_dot_in_its_name(photos, name, made):
    if made:
        (photos / name).mkdir()
    assert run(*pair_flags(photos, "--output", f"{photos}/{name}")) == 0
    assert files(photos / name) == ["src_com.png", "src_pha.png"]


@pytest.mark.parametrize("strips", [False, True])
@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_16_bits_of_the_photo_are_in_the_colours(photos, monkeypatch, name, strips):
    line = np.linspace(20000, 60000, 1000).round().astype(np.uint16)
    image = np.repeat(np.stack((line, line[::-1], line), -1)[None], 8, 0)
    write_image(photos / name, image)
    write_image(photos / "black.png", np.zeros((8, 1000, 3), np.uint8))
    if strips:
        monkeypatch.setattr("bgmatting.prediction.photos.pipeline.LARGE", 10)
    pair = ("--src", photos / name, "--bgr", photos / "black.png", "--output", photos / "out", "--bit-depth", "16")
    run(*pair, "--type", "fgr", "com", "--align", "off", "--exposure", "off")
    for word in ("fgr", "com"):
        found = cv2.imread(str(photos / "out" / f"deep_{word}.png"), cv2.IMREAD_UNCHANGED)[..., 2::-1]
        assert np.abs(found.astype(int) - image).max() <= 1 and len(np.unique(found[..., 1])) == 1000
    run(*pair, "--type", "com", "--target-bgr", "blur", "--overwrite")
    found = cv2.imread(str(photos / "out" / "deep_com.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert np.abs(found.astype(int) - image).max() <= 1


@pytest.mark.parametrize("output, more", [
    *(("out", more) for more in ("--format jpg", "--format webp --bit-depth 16", "--type pha --target-bgr white",
                                 "--target-bgr whitee", "--target-bgr rgb(300,0,0)", "--video-format mov", "--sheet sheet",
                                 "--sheet s.png --sheet-rows 0")),
    ("me.jpg", ""), ("me.png", "--type pha com"), ("me.png", "--format tiff")])
def test_flags_that_do_not_go_together(photos, capsys, no_network, output, more):
    refuse(capsys, photos / output, *pair_flags(photos, *more.split()))


def test_notes(photos, capsys, monkeypatch):
    monkeypatch.setattr(core, "fitter", lambda align, exposure: lambda src, bgr: (bgr, ["another scene.\nreally"]))
    run(*pair_flags(photos, "--output", photos / "out", "--target-bgr", photos / "bgr.png"))
    twice, scene = capsys.readouterr().err.splitlines()
    assert "--target-bgr and --bgr name the same file" in twice and scene == "note: src.png: another scene.\\nreally"


@pytest.mark.slow
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
