"""Images as a set composes them: photos alone, and lines of a list with their background and trimap."""
import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.layouts.lists import listed_pictures
from bgmatting.evaluation.scoring import score
from bgmatting.evaluation.selection import composed
from bgmatting.evaluation.testset.photos import PhotoTestSet
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError

VAL = {"fgr": "val/fg", "pha": "val/alpha", "list": "val.txt"}


@pytest.fixture
def composition(tmp_path):
    """Composition-1k, small: two foregrounds, one of them before two backgrounds, one of these smaller than it."""
    root = tmp_path / "Composition-1k"
    pha = np.tile(np.linspace(0, 255, 20).astype(np.uint8), (10, 1))
    for name, value in (("a b", 250), ("c", 100)):
        write_image(root / "val" / "fg" / f"{name}.png", np.full((10, 20, 3), value, np.uint8))
        write_image(root / "val" / "alpha" / f"{name}.png", pha)
    write_image(root / "bg" / "large.png", np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3))
    write_image(root / "bg" / "small.png", np.full((5, 4, 3), 60, np.uint8))
    write_image(root / "val" / "trimap" / "c.png", np.full((10, 20), 128, np.uint8))
    (root / "val.txt").write_text("val/fg/c.png bg/large.png val/trimap/c.png\nval/fg/c.png bg/small.png\n"
                                  "val/fg/a b.png|bg/large.png\n")
    return root


def test_lines_of_a_list(composition):
    found = listed_pictures(composition, VAL)
    assert [picture.name for picture in found] == ["c", "c_1", "a b"]
    assert [bool(picture.trimap) for picture in found] == [True, False, False]
    assert [picture.bgr.rsplit("/", 1)[1] for picture in found] == ["large.png", "small.png", "large.png"]
    (composition / "val.txt").write_text("val/fg/a b.png\n")
    assert listed_pictures(composition, VAL)[0].bgr is None
    for text in ("val/fg/c.png bg/none.png", "val/fg/d.png", "val/fg/c.png bg/large.png val/trimap/d.png"):
        (composition / "val.txt").write_text(f"{text}\n")
        with pytest.raises(UserError, match=r"val\.txt names 1 image.* \(line 1: "):
            listed_pictures(composition, VAL)


def test_items_are_composed_as_the_list_says(composition):
    items = PhotoTestSet(listed_pictures(composition, VAL), "paddleseg")
    assert len(items) == 3 and items.has_bgr
    first, second, third = items
    np.testing.assert_array_equal(first.bgr, np.arange(3600, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3)[:10, :20])
    alpha = first.pha[..., None] / 255
    assert np.abs(first.src - (alpha * 100 + (1 - alpha) * first.bgr)).max() <= 0.51
    assert (second.bgr == 60).all() and second.bgr.shape == (10, 20, 3)  # enlarged until it covers
    assert (first.trimap == 128).all() and third.name == "a b"
    whole = PhotoTestSet(listed_pictures(composition, VAL), "whole")[0]
    assert whole.trimap is None and (whole.extra("trimap") == 128).all()  # what came along is what a method gets
    small = PhotoTestSet(listed_pictures(composition, VAL), "paper", longest=10)[0]
    assert small.trimap.shape == small.pha.shape == (5, 10) and (small.trimap == 128).all()


@pytest.mark.parametrize("rule, longest", (("paper", None), ("paper", 10), ("whole", None)))
def test_what_is_neither_background_nor_foreground_in_a_list_s_trimap_is_unknown(composition, rule, longest):
    trimap = np.tile(np.repeat(np.uint8([0, 127, 60, 200, 255]), 4), (10, 1))
    write_image(composition / "val" / "trimap" / "c.png", trimap)
    item = PhotoTestSet(listed_pictures(composition, VAL), rule, longest)[0]
    assert item.trimap is None if rule == "whole" else np.array_equal(item.trimap, item.given)
    each = 4 if longest is None else 2
    np.testing.assert_array_equal(item.given[0], np.repeat(np.uint8([0, 128, 128, 128, 255]), each))


@pytest.mark.parametrize("second, expected", [
    ("val/alpha/c.png", None),             # the alpha itself
    ("masks/c.png", None),                 # a copy of it elsewhere
    ("masks/trimap.png", UserError),       # another matte
    ("bg/gray.png", "gray.png"),           # a gray photo of the same size
    ("bg/large.png", "large.png")])
def test_the_second_word_of_a_line_may_be_the_photo_s_alpha(composition, second, expected):
    pha = np.tile(np.linspace(0, 255, 20).astype(np.uint8), (10, 1))
    write_image(composition / "masks" / "c.png", np.dstack([pha] * 3))
    write_image(composition / "masks" / "trimap.png", np.where(pha > 90, np.uint8(255), np.uint8(0)))
    write_image(composition / "bg" / "gray.png", np.random.default_rng(0).integers(60, 200, (10, 20), dtype=np.uint8))
    (composition / "val.txt").write_text(f"val/fg/c.png {second}\n")
    if expected is UserError:
        with pytest.raises(UserError):
            listed_pictures(composition, VAL)
        return
    found = listed_pictures(composition, VAL)[0]
    assert (found.bgr and found.bgr.rsplit("/", 1)[1]) == expected
    assert (PhotoTestSet([found], "whole")[0].src[0, 0] == 100).all() == (expected is None)


def test_lines_of_one_foreground_have_names_of_their_own(composition):
    write_image(composition / "val" / "fg" / "c_1.png", np.full((10, 20, 3), 9, np.uint8))
    write_image(composition / "val" / "alpha" / "c_1.png", np.full((10, 20), 255, np.uint8))
    (composition / "val.txt").write_text("val/fg/c.png\nval/fg/c.png\nval/fg/c_1.png\n")
    assert [line.name for line in listed_pictures(composition, VAL)] == ["c", "c_2", "c_1"]


def test_photos_have_no_background(composition, tmp_path):
    (composition / "val.txt").write_text("val/fg/c.png\n")
    items = PhotoTestSet(listed_pictures(composition, VAL), "paper", longest=10)
    item = items[0]
    assert item.src.shape == (5, 10, 3) and item.pha.shape == item.trimap.shape == (5, 10)
    assert item.bgr is None and item.fgr is None and not items.has_bgr
    with pytest.raises(UserError, match="c is a photo without an image of the empty scene, which this method needs"):
        item.extra("bgr")
    assert item.extra(None) is None and item.extra("trimap") is item.trimap


def test_the_protocol_counts_the_whole_picture_as_paddleseg_does(composition, tmp_path):
    (composition.parent / "PPM-100").symlink_to(composition)
    (composition / "val.txt").write_text("val/fg/c.png\n")
    benchmark = composed("PPM100", "Backgrounds", "paddleseg", data_root=str(tmp_path))
    item, protocol = benchmark.items[0], benchmark.protocol
    assert benchmark.facts["dataset"] == "PPM100" and benchmark.facts["split"] == "valid"
    off = item.pha.astype(int) - 200
    row = score(protocol, item, np.full((10, 20), 200, np.uint8))
    assert row["sad"] == pytest.approx(np.abs(off).sum() / 255 / 1000)
    assert row["mse"] == pytest.approx((off ** 2).mean() / 255 ** 2)
    assert set(row) == {"name", "sad", "mse"}
    assert protocol.columns["mse"].text(0.00983) == "0.0098" and protocol.columns["sad"].text(112.73) == "112.730"
    write_image(tmp_path / "PhotoMatte85" / "a.png", np.full((8, 8, 4), 99, np.uint8))
    assert open_catalog(data_root=tmp_path).listed("PhotoMatte85", "test") is None  # composed as under any protocol
    with pytest.raises(UserError, match="--noise"):
        composed("PPM100", "Backgrounds", "paddleseg", {"noise": 0.1}, data_root=str(tmp_path))
