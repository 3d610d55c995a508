"""A pair is read, brought to one size, and handed to what makes the background fit."""
import numpy as np
import pytest

from bgmatting.media import read_photo, write_image
from bgmatting.prediction.photos import read_pair
from bgmatting.prediction.photos.plan import Job
from bgmatting.prediction.photos.read_pair import PairReader
from bgmatting.prediction.sizes import fit_size
from bgmatting.utils.errors import UserError


def job(root, src, bgr):
    return Job(src, root / src, root / bgr, {})


def test_sizes_that_differ_are_named_and_fit_is_offered(tmp_path):
    write_image(tmp_path / "a.png", np.zeros((4, 6, 3), np.uint8))
    write_image(tmp_path / "b.png", np.zeros((5, 9, 3), np.uint8))
    with pytest.raises(UserError, match="6x4.*9x5.*--fit resize.*--fit crop"):
        PairReader()(job(tmp_path, "a.png", "b.png"))
    for fit in ("resize", "crop"):
        assert PairReader(fit)(job(tmp_path, "a.png", "b.png")).bgr.shape == (4, 6, 3)


def test_resize_stretches_and_crop_cuts():
    bgr = np.zeros((40, 80, 3), np.uint8)
    bgr[:, 20:60] = 200
    assert (fit_size(bgr, (20, 20), "crop") == 200).all()
    stretched = fit_size(bgr, (20, 20), "resize")
    assert (stretched[:, 6:14] == 200).all() and not stretched[:, :4].any() and not stretched[:, 16:].any()
    assert fit_size(bgr, (160, 160), "crop").shape == fit_size(bgr, (160, 160), "resize").shape == (160, 160, 3)
    assert fit_size(bgr, (40, 80), None) is bgr


def test_one_background_for_all_is_read_once(tmp_path, monkeypatch):
    for name in ("a.png", "b.png", "room.png"):
        write_image(tmp_path / name, np.zeros((4, 6, 3), np.uint8))
    read, count = read_photo, []
    monkeypatch.setattr(read_pair, "read_photo", lambda path, notes: count.append(path.name) or read(path, notes))
    reader = PairReader()
    for name in ("a.png", "b.png"):
        reader(job(tmp_path, name, "room.png"))
    assert sorted(count) == ["a.png", "b.png", "room.png"]


def test_remarks_on_a_photo_are_kept_and_those_on_a_common_background_once(tmp_path):
    for name in ("a.jpg", "b.jpg", "room.jpg"):
        write_image(tmp_path / name, np.full((16, 16, 3), 90, np.uint8))
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[:-2])
    reader = PairReader(adapt=lambda src, bgr: (bgr, ["moved"]))
    said = [reader(job(tmp_path, name, "room.jpg")).notes for name in ("a.jpg", "b.jpg")]
    assert [len(notes) for notes in said] == [3, 2] and said[0][2] == said[1][1] == "moved"
    assert "a.jpg" in said[0][0] and "room.jpg" in said[0][1] and "b.jpg" in said[1][0]


@pytest.mark.parametrize("reading, matting, words", [
    (1000, 1, "reading it takes about 0.0"), (1, 10 ** 7, "matting it takes about 18.6"), (1, 1, None)])
def test_a_photo_that_memory_does_not_do_for_is_refused_with_numbers(tmp_path, monkeypatch, reading, matting, words):
    for name in ("a.png", "room.png"):
        write_image(tmp_path / name, np.zeros((40, 50, 3), np.uint8))
    for name, value in (("SMALL", 100), ("BYTES", reading), ("free_memory", lambda: 10 ** 5)):
        monkeypatch.setattr(f"bgmatting.media.bounds.{name}", value)
    monkeypatch.setattr(read_pair, "MATTE_BYTES", matting)
    if words is None:
        assert PairReader()(job(tmp_path, "a.png", "room.png")).src.shape == (40, 50, 3)
    else:
        with pytest.raises(UserError, match=rf"a.png is 50x40: {words} GiB, and 0.0 GiB of memory are free"):
            PairReader()(job(tmp_path, "a.png", "room.png"))
