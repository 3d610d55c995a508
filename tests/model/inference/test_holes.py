"""Holes inside the subject: filled where the photos say that they are none, and only there."""
import cv2
import numpy as np
import pytest

from bgmatting.model.inference import pair
from bgmatting.model.inference.holes import fill, find_holes
from bgmatting.model.inference.matte import Matte

# Before OpenCV 5 the host's last step rounds places to a 32nd of a pixel; the device's does not.
ALIKE = 1e-4 if int(cv2.__version__.split(".")[0]) >= 5 else 1e-2
SIZE = 240
SPOT = (95, 130, 10)   # column, row, radius: where a network sees too little


def texture(seed, low, high, cell=6):
    rng = np.random.default_rng(seed)
    small = rng.integers(low, high, (SIZE // cell, SIZE // cell, 3))
    return cv2.resize(small.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).clip(0, 255)


def disc(column, row, radius):
    return cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (column, row), radius, 255, -1).astype(bool)


def scene(seed=0, shown=None, alike=40):
    """src, bgr with noise each, and alpha as a network sees it: a subject, its spot seen as nearly the scene.

    ``shown``: (subject, background, mask) -> what src shows inside the spot; None: the subject, as everywhere on it.
    ``alike``: by how much darker the subject is than the scene; it is then as far from it as its texture is rough.
    """
    rng = np.random.default_rng(seed)
    bgr = texture(seed + 1, 90, 150)
    fgr = texture(seed + 2, 90, 150) - alike
    body, spot = disc(120, 120, 80), disc(*SPOT)
    src = np.where(body[..., None], fgr, bgr)
    if shown is not None:
        src[spot] = shown(fgr, bgr)[spot]
    levels = np.where(body, 255, 0).astype(np.uint8)
    levels[spot] = 40
    photos = (np.clip(image + rng.normal(0, 1.5, image.shape), 0, 255).round().astype(np.uint8) for image in (src, bgr))
    return *photos, levels, spot


@pytest.mark.parametrize("seed", range(3))
def test_a_spot_that_shows_the_subject_is_filled_and_nothing_else(seed):
    src, bgr, levels, spot = scene(seed)
    found = find_holes(src, bgr, levels)
    assert found[spot].all() and not found[~spot].any()


@pytest.mark.parametrize("part", (np.s_[:170], np.s_[30:, 41:], np.s_[:, :190], np.s_[60:180, 20:]))
def test_where_the_subject_leaves_the_photo_it_is_filled_all_the_same(part):
    src, bgr, levels, spot = (np.ascontiguousarray(image[part]) for image in scene())
    found = find_holes(src, bgr, levels)
    assert found[spot].all() and not found[~spot].any()


def test_a_spot_at_the_border_of_the_photo_is_filled_and_a_corner_of_the_scene_is_not():
    part = np.s_[:130, :]  # through the middle of the spot
    src, bgr, levels, spot = (np.ascontiguousarray(image[part]) for image in scene())
    levels[:3, :3] = 60
    found = find_holes(src, bgr, levels)
    assert found[spot].all() and not found[~spot].any()


def shadowed(fgr, bgr):
    return bgr * 0.8


def mixed(fgr, bgr):
    return 0.4 * fgr + 0.6 * np.array([250, 250, 250])


@pytest.mark.parametrize("shown, alike",
                         [(lambda fgr, bgr: bgr, 40), (lambda fgr, bgr: bgr, 70), (shadowed, 80), (mixed, 40)],
                         ids=["scene", "scene, darker subject", "scene in shadow", "another colour"])
@pytest.mark.parametrize("seed", range(2))
def test_openings_and_what_has_other_colours_stay(seed, shown, alike):
    assert find_holes(*scene(seed, shown, alike)[:3]) is None


@pytest.mark.parametrize("level, filled", [(50, True), (51, False)])
def test_what_is_hardly_open_stays(level, filled):
    src, bgr, levels, spot = scene()
    levels[spot] = level
    assert (find_holes(src, bgr, levels) is not None) == filled


def test_single_pixels_stay():
    src, bgr, levels, spot = scene()
    levels[spot], levels[130, 90:101] = 255, 40
    assert find_holes(src, bgr, levels) is None
    levels[130, 90:102] = 40
    assert find_holes(src, bgr, levels).sum() == 12


def test_without_a_scene_to_measure_nothing_is_said():
    src, bgr, levels, spot = scene()
    levels[~spot] = 255
    assert find_holes(src, bgr, levels) is None
    for size in ((2, 2), (1, 2), (1, 1)):
        small = np.s_[:size[0], :size[1]]
        assert find_holes(src[small], bgr[small], np.zeros(size, np.uint8)) is None


@pytest.mark.parametrize("dtype, one", [("uint8", 255), ("float16", 1), ("float32", 1)])
def test_a_matte_of_any_type_is_filled_in_place_and_shows_src_there(dtype, one):
    src, bgr, levels, spot = scene()
    pha = levels if dtype == "uint8" else (levels / 255).astype(dtype)
    matte = Matte(pha.copy(), np.zeros((SIZE, SIZE, 3), dtype), None, None)
    fill(spot, src, matte)
    assert (matte.pha[spot] == one).all() and np.array_equal(matte.pha[~spot], pha[~spot])
    np.testing.assert_allclose(matte.fgr[spot] * (255 / one), src[spot], atol=0.1)
    assert not matte.fgr[~spot].any()
    colour = Matte(None, np.zeros((SIZE, SIZE, 3), dtype), None, None)
    fill(spot, src, colour)
    assert np.array_equal(colour.fgr, matte.fgr)


def test_whole_in_strips_and_on_the_device_the_same_is_filled(shared, monkeypatch):
    """Also where the photo is padded for the network, and whichever of alpha and colour is wanted."""
    rng = np.random.default_rng(3)
    src, bgr = (rng.integers(0, 255, (301, 62, 3), dtype=np.uint8) for _ in range(2))
    chosen = np.zeros((301, 62), bool)
    chosen[250:270, 10:30] = True   # across the border of two strips

    def found(src, bgr, levels):
        assert src.shape[:2] == bgr.shape[:2] == levels.shape == chosen.shape
        return chosen

    monkeypatch.setattr(pair, "find_holes", found)
    host, device = (shared(on_device=there, unmix=True, fill=True) for there in (None, True))
    whole, parts = host.predict(src, bgr, want=("pha", "fgr")), []
    host.predict(src, bgr, want=("pha", "fgr"), rows=lambda top, matte: parts.append(matte))
    strips = Matte(*(np.concatenate(images) for images in list(zip(*parts))[:2]), None, None)
    there = device.predict(src, bgr, want=("pha", "fgr"))
    plain = host.with_settings(fill=False).predict(src, bgr, want=("pha", "fgr"))
    for matte in (whole, strips, there):
        assert (matte.pha[chosen] == 1).all() and not (matte.pha[~chosen] == 1).all()
        np.testing.assert_allclose(matte.fgr[chosen], src[chosen] / 255, atol=1e-6)
        np.testing.assert_allclose(matte.pha[~chosen], plain.pha[~chosen], atol=ALIKE if matte is there else 1e-6)
    assert not (plain.pha[chosen] == 1).all()
    for matter, both in ((host, whole), (device, there)):
        colour = matter.predict(src, bgr, want=("fgr",))
        assert colour.pha is None and np.array_equal(colour.fgr, both.fgr)
