"""Samples for methods that see one photo alone: windows, trimaps, photos as they are."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.cuts import Cuts, draw_window
from bgmatting.dataset.layouts import backgrounds, fgr_pha_folders
from bgmatting.dataset.samples import CompositeSet, PhotoSet, SampleKey, StreamSet, data_facts, training_set
from bgmatting.dataset.trimaps import random_trimap
from bgmatting.media import write_image
from bgmatting.training.config import load_config
from bgmatting.training.validation import validation_set
from bgmatting.utils.files import PROJECT

PLAIN = dict.fromkeys(("shadow", "noise", "noise_sigma", "bgr_jitter", "bgr_affine", "jpeg", "exposure", "subpixel"), 0.0)
KEY = SampleKey(3, 1, 0, 64, 96)


def disc(height=200, width=300, radius=60):
    y, x = np.mgrid[:height, :width]
    return (np.clip((radius - np.hypot(y - height / 2, x - width / 2)) / 6 + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.fixture
def photos(tmp_path):
    """PPM-100, small: two photos for training and one for validation, of known colours."""
    root, pha = tmp_path / "PPM-100", disc()
    for part, names in (("train", "ab"), ("val", "c")):
        for name in names:
            write_image(root / part / "fg" / f"{name}.png", np.dstack([pha, np.full_like(pha, 40), 255 - pha]))
            write_image(root / part / "alpha" / f"{name}.png", pha)
        (root / f"{part}.txt").write_text("".join(f"{part}/fg/{name}.png\n" for name in names))
    return open_catalog(data_root=tmp_path)


def test_a_window_is_of_a_given_side_and_shape():
    rng, pha = np.random.default_rng(0), disc()
    seen = {draw_window(rng, pha, (64, 64), Cuts((40, 120, 999)))[2:] for _ in range(60)}
    assert seen == {(40, 40), (120, 120), (200, 200)}  # no larger than the picture
    top, left, height, width = draw_window(rng, pha, (64, 96), Cuts((120,)))
    assert (height, width) == (80, 120) and 0 <= top <= 120 and 0 <= left <= 180
    sides = [draw_window(rng, pha, (50, 50), Cuts())[2] for _ in range(200)]
    assert 100 <= min(sides) < 106 and 194 < max(sides) <= 200


def test_a_trimap_grows_and_shrinks_by_what_is_drawn():
    pha, widths = disc(radius=70), set()
    for seed in range(20):
        trimap = random_trimap(np.random.default_rng(seed), pha)
        assert set(np.unique(trimap)) == {0, 128, 255}
        assert (pha[trimap == 255] == 255).all() and (pha[trimap == 0] == 0).all()
        widths.add(int((trimap[100] == 128).sum()))
        np.testing.assert_array_equal(trimap, random_trimap(np.random.default_rng(seed), pha))
    assert min(widths) < 30 < 60 < max(widths)  # two edges, each of 6 soft pixels and what the disc adds


def test_photos_are_taken_as_they_are(photos):
    config = load_config(PROJECT / "configs" / "modnet" / "modnet_mobilenetv2.yml")
    config["augment"] = PLAIN
    samples = training_set(config, "whole", photos, alone=True)
    assert isinstance(samples, PhotoSet) and len(samples) == 2 and samples.epoch == "each of 2 photos once"
    src, bgr, fgr, pha, trimap = samples[KEY]
    assert src.shape == (3, 64, 96) and pha.shape == trimap.shape == (1, 64, 96)
    np.testing.assert_array_equal(bgr, fgr)
    np.testing.assert_array_equal(src, fgr)
    np.testing.assert_array_equal(trimap, samples[KEY][4])
    assert not np.array_equal(src, samples[KEY._replace(epoch=2)][0]) and samples.describe(KEY) == "a"
    facts = data_facts(config, photos, alone=True)
    assert [facts[what].split()[0] for what in ("training files", "validation files")] == ["2", "1"]
    assert photos.holds_photos("PPM100") and not photos.holds_photos("Backgrounds")


def test_a_line_with_a_background_is_composed_for_training_and_validation(photos):
    """As PaddleSeg's Matting lays sets out: `photo`, or `foreground background`, line by line."""
    root = photos.where("PPM100")
    write_image(root / "bg" / "green.png", np.full((40, 400, 3), (0, 200, 0), np.uint8))  # enlarged until it covers
    (root / "train.txt").write_text("train/fg/a.png bg/green.png\ntrain/fg/b.png\ntrain/fg/a.png bg/green.png\n")
    (root / "val.txt").write_text("val/fg/c.png bg/green.png\n")
    pairs = photos.photos("PPM100", "train")
    assert pairs.names == ["a", "b", "a_1"]
    composed, plain = pairs.load(0), pairs.load(1)
    alpha = disc()[..., None] / 255
    wanted = alpha * plain.fgr + (1 - alpha) * np.array([0, 200, 0])
    assert np.abs(composed.fgr - wanted).max() <= 0.51 and tuple(composed.fgr[0, 0]) == (0, 200, 0)
    assert tuple(plain.fgr[0, 0]) == (0, 40, 255)
    config = {**load_config(PROJECT / "configs" / "modnet" / "modnet_mobilenetv2.yml"), "valid_count": 1, "valid_size": 100}
    assert len(training_set(config, "whole", photos, alone=True)) == 3
    item = validation_set(config, photos)[0]
    assert item.src.shape == item.bgr.shape == item.fgr.shape == (67, 100, 3) and item.pha.shape == (67, 100)
    assert tuple(item.src[0, 0]) == (0, 200, 0)


@pytest.mark.parametrize("cuts", [None, Cuts((48, 96), 1.0)])
def test_generated_samples_are_composed_of_what_comes_with_them(cuts):
    """The photo is fgr before bgr, so that a loss may compose them again; and it has a trimap that tells the truth."""
    samples = StreamSet(4, PLAIN, alone=True, cuts=cuts, size=128)
    for number in range(3):
        src, bgr, fgr, pha, trimap = samples[KEY._replace(number=number)]
        assert src.shape == (3, 64, 96) and src.dtype == np.uint8
        alpha = pha / 255
        assert np.abs(alpha * fgr + (1 - alpha) * bgr - src).max() <= 0.51
        assert (pha[trimap == 255] == 255).all() and (pha[trimap == 0] == 0).all()
    assert len(StreamSet(4, PLAIN)[KEY]) == 4  # for methods that have an image of the background


def test_the_shadow_is_in_the_background_that_comes_with_it():
    plain, shadowed = (StreamSet(4, {**PLAIN, "shadow": share}, alone=True)[KEY] for share in (0.0, 1.0))
    darker = plain[1].astype(int) - shadowed[1]
    assert darker.min() >= 0 and darker.max() > 0
    alpha = shadowed[3] / 255
    assert np.abs(alpha * shadowed[2] + (1 - alpha) * shadowed[1] - shadowed[0]).max() <= 0.51


def test_a_cut_foreground_keeps_its_scale(tmp_path):
    """A window of the crop's size shows pixels as they are: an edge of one pixel stays one."""
    pha = np.zeros((200, 200), np.uint8)
    pha[:, 100:] = 255
    write_image(tmp_path / "private" / "fgr" / "a.png", np.full((200, 200, 3), 200, np.uint8))
    write_image(tmp_path / "private" / "pha" / "a.png", pha)
    write_image(tmp_path / "bgr" / "b.png", cv2.resize(np.eye(7, dtype=np.uint8)[..., None].repeat(3, 2) * 99, (50, 50)))
    pairs = fgr_pha_folders(tmp_path / "private", {"fgr": "fgr", "pha": "pha"})
    samples = CompositeSet(pairs, backgrounds(tmp_path, "bgr"), 64, (1, 1), PLAIN, alone=True, cuts=Cuts((64,)))
    seen = [np.unique(samples[KEY._replace(epoch=epoch, width=64)][3]) for epoch in range(12)]
    sharp = [values for values in seen if set(values) <= {0, 255}]
    assert len(sharp) >= 7  # the others were blurred or sharpened
