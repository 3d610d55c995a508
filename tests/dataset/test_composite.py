"""The two photos of a scene: what is disturbed, how much, and how often."""
import numpy as np
import pytest

from bgmatting.dataset import composite
from bgmatting.dataset.augment import Affine, add_noise, cast_shadow, change_exposure, move, through_jpeg
from bgmatting.dataset.composite import blend, compose_pair

NEVER = {"shadow": 0.0, "noise": 0.0, "noise_sigma": 0.03, "bgr_jitter": 0.0, "bgr_affine": 0.0, "jpeg": 0.0,
         "exposure": 0.0, "subpixel": 0.0}


def rng(seed=0):
    return np.random.default_rng(seed)


def images(seed=0, size=(60, 80)):
    generator = rng(seed)
    fgr, bgr = generator.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    return fgr, generator.integers(0, 256, size, dtype=np.uint8), bgr


def test_blend_is_exact_at_both_ends_and_rounded_between():
    fgr, _, bgr = images()
    np.testing.assert_array_equal(blend(fgr, np.full((60, 80), 255, np.uint8), bgr), fgr)
    np.testing.assert_array_equal(blend(fgr, np.zeros((60, 80), np.uint8), bgr), bgr)
    bright, dark = np.full((1, 3, 3), 200, np.uint8), np.full((1, 3, 3), 100, np.uint8)
    one = blend(bright, np.array([[1, 128, 254]], np.uint8), dark)
    assert one[0, :, 0].tolist() == [100, 150, 200]  # 100.4, 150.2, 199.6


@pytest.mark.parametrize("name, src_changes, bgr_changes", [
    ("shadow", True, False), ("noise", True, True), ("bgr_jitter", False, True), ("bgr_affine", False, True),
    ("exposure", False, True), ("subpixel", False, True), ("jpeg", True, True)])
def test_what_each_disturbance_touches(name, src_changes, bgr_changes):
    fgr, pha, bgr = images()
    kept = [image.copy() for image in (fgr, pha, bgr)]
    src, other = compose_pair(rng(4), fgr, pha, bgr, {**NEVER, name: 1.0})
    assert (src != blend(fgr, pha, bgr)).any() == src_changes and (other != bgr).any() == bgr_changes
    assert src.dtype == other.dtype == np.uint8 and src.shape == other.shape == bgr.shape
    assert all((a == b).all() for a, b in zip(kept, (fgr, pha, bgr)))


def test_probabilities_are_kept(monkeypatch):
    calls = []
    monkeypatch.setattr(composite, "change_exposure", lambda rng, image: calls.append(1) or image)
    fgr, pha, bgr = images(size=(4, 4))
    generator = rng()
    for _ in range(1000):
        compose_pair(generator, fgr, pha, bgr, {**NEVER, "exposure": 0.3})
    assert len(calls) == pytest.approx(300, abs=45)


def test_a_shadow_only_darkens_at_most_by_0_3():
    scene, pha = np.full((120, 160, 3), 200, np.uint8), np.zeros((120, 160), np.uint8)
    pha[20:100, 30:130] = 255
    depths = []
    for seed in range(80):
        shaded = cast_shadow(rng(seed), scene, pha)
        assert shaded.max() <= 200
        depths.append(200 - int(shaded.min()))
    assert max(depths) <= 77 and max(depths) > 60 and min(depths) < 15


def test_noise_has_no_mean_and_a_strength_of_0_to_sigma():
    grey = np.full((40, 40, 3), 128, np.uint8)
    generator = rng()
    out = np.array([add_noise(generator, grey, 0.03).astype(float) - 128 for _ in range(300)])
    assert np.abs(out.mean()) < 0.05
    sigma = np.sqrt(np.maximum(out.var((1, 2, 3)) - 1 / 12, 0))  # rounding adds 1/12 to the variance
    assert sigma.max() < 0.03 * 255 * 1.04 and sigma.max() > 0.03 * 255 * 0.95
    assert sigma.mean() == pytest.approx(0.03 * 255 / 2, rel=0.08)  # uniform
    channels = out[sigma.argmax()].reshape(-1, 3)
    assert np.abs(np.corrcoef(channels.T) - np.eye(3)).max() < 0.1


def test_jpeg_keeps_the_channels_in_order_and_a_move_whole_pixels():
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0], image[..., 2] = 220, 30
    assert np.abs(through_jpeg(image, 90).astype(int) - image).max() <= 4
    image = images()[2]
    moved = move(image, Affine(0, 8 / 80, 6 / 60, 1, 0))
    np.testing.assert_array_equal(moved[6:, 8:], image[:-6, :-8])


def test_exposure_keeps_order_and_range():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    whites = []
    for seed in range(100):
        out = change_exposure(rng(seed), ramp)[0, :, 0].astype(int)
        assert out[0] == 0 and (np.diff(out) >= 0).all()
        # 0.5 ** 0.85 and 0.5 ** 1.15, times a gain of 0.9 to 1.1
        assert 255 * 0.9 * 0.45 - 1 <= out[128] <= 255 * 1.1 * 0.557 + 1
        whites.append(out[255])
    assert 229 <= min(whites) < 235 and max(whites) == 255
