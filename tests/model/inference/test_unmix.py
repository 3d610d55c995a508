"""Alpha from the compositing equation: exact where the colours are known, cautious where they tell nothing."""
import cv2
import numpy as np
import pytest

from bgmatting.model.inference import unmix as unmixing
from bgmatting.model.inference.unmix import BAND

SIZE = (120, 160)


def scene(seed, colour):
    """A disc with strands of ``colour`` before a rough background: src, bgr uint8, alpha float32."""
    rng = np.random.default_rng(seed)
    bgr = cv2.resize(rng.integers(0, 120, (12, 16, 3), dtype=np.uint8), SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    pha = np.zeros(SIZE, np.uint8)
    cv2.circle(pha, (80, 60), 30, 255, -1, cv2.LINE_AA)
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        tip = (80 + 44 * np.cos(angle), 60 + 44 * np.sin(angle))
        cv2.line(pha, (80, 60), (round(tip[0]), round(tip[1])), 255, 1, cv2.LINE_AA)
    pha = pha.astype(np.float32) / 255
    src = pha[..., None] * np.float32(colour) + (1 - pha[..., None]) * bgr
    return np.round(src).astype(np.uint8), bgr, pha


def soft(pha):
    """What a coarse network sees of ``pha``: its strands as one rim."""
    return cv2.GaussianBlur(pha, (0, 0), 3)


def unmix(*arrays, expected=0.2):
    """``unmix`` where the network expects the same error everywhere."""
    return unmixing.unmix(*arrays, np.full((3, 5), expected, np.float32))


def residual(src, colour):
    return np.float32(colour) / 255 - src.astype(np.float32) / 255


def test_strands_come_back_also_in_parts(monkeypatch):
    src, bgr, true = scene(1, (220, 200, 180))
    blurred = soft(true)
    found = unmix(src, bgr, blurred.copy(), residual(src, (220, 200, 180)))
    assert np.abs(found - true).mean() < 0.25 * np.abs(blurred - true).mean()
    monkeypatch.setattr(unmixing, "AT_ONCE", 701)
    np.testing.assert_allclose(unmix(src, bgr, blurred.copy(), residual(src, (220, 200, 180))), found, atol=1e-6)


def test_colour_of_the_sure_foreground_counts_more_than_the_networks():
    src, bgr, true = scene(2, (210, 210, 90))
    wrong = residual(src, (0, 0, 255))
    blurred = soft(true)
    found = unmix(src, bgr, blurred.copy(), wrong)
    near = cv2.dilate((blurred > 0.95).astype(np.uint8), np.ones((5, 5))) > 0  # a few pixels from sure foreground
    assert np.abs(found - true)[near].mean() < 0.5 * np.abs(blurred - true)[near].mean()


def test_far_from_the_band_nothing_changes():
    src, bgr, true = scene(4, (220, 200, 180))
    blurred = soft(true)
    found = unmix(src, bgr, blurred.copy(), residual(src, (220, 200, 180)))
    band = ((blurred > BAND[0]) & (blurred < BAND[1])).astype(np.uint8)
    far = cv2.dilate(band, np.ones((5, 5), np.uint8)) == 0
    assert far.any() and np.array_equal(found[far], blurred[far]) and not np.array_equal(found, blurred)
    assert found.min() >= 0 and found.max() <= 1 and found.dtype == np.float32


def test_strand_beside_the_band_is_found():
    """Alpha that the network has cut off just short of a strand's tip."""
    src, bgr, true = scene(4, (220, 200, 180))
    cut = np.where(soft(true) > 0.3, true, 0).astype(np.float32)
    found = unmix(src, bgr, cut.copy(), residual(src, (220, 200, 180)))
    beside = np.zeros(true.size, bool)
    beside[unmixing.open_pixels(cut)] = True
    beside = beside.reshape(SIZE) & (cut == 0) & (true > 0)
    assert beside.sum() > 50 and np.abs(found - true)[beside].sum() < 0.7 * true[beside].sum()


@pytest.mark.parametrize("shade", [100, 255])
def test_where_src_is_bgr_to_the_bit_alpha_only_falls(shade):
    bgr = np.full((*SIZE, 3), shade, np.uint8)
    prior = soft(scene(5, (0, 0, 0))[2])
    found = unmix(bgr, bgr, prior.copy(), np.zeros((*SIZE, 3), np.float32))
    assert (found <= prior + 0.01).all() and (found < prior - 0.01).any()


def test_what_the_light_has_changed_counts_for_nothing():
    """A photo whose scene has become darker since, also where no scene is near, as behind a subject that fills the photo."""
    rng = np.random.default_rng(7)
    alpha = np.zeros((90, 120), np.float32)
    alpha[:, :70] = 1
    above = np.float32([-0.2, -0.1, -0.05]) + rng.normal(0, 0.02, (90, 120, 3)).astype(np.float32)
    as_is, as_lit, unrest = unmixing._drift(above, alpha, (24, 18), 3.0)
    np.testing.assert_allclose(10 ** as_is, 0.0525 + 0.0012, rtol=0.4)
    np.testing.assert_allclose(10 ** as_lit, 0.0012, atol=5e-3)
    np.testing.assert_allclose(10 ** unrest, 0.0012 + unmixing.SLIGHT, rtol=0.35)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (700, 3)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_any_size_and_any_alpha(size, value):
    rng = np.random.default_rng(6)
    src, bgr = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    pha = np.full(size, value, np.float32)
    found = unmix(src, bgr, pha.copy(), np.zeros((1, 1, 3), np.float32))
    assert found.shape == size and np.isfinite(found).all()
    if value in (0.0, 1.0):
        assert np.array_equal(found, pha)


def test_the_less_error_the_network_expects_the_more_its_alpha_counts():
    src, bgr, true = scene(1, (220, 200, 180))
    prior, colour = soft(true), residual(src, (220, 200, 180))
    changes = [np.abs(unmix(src, bgr, prior.copy(), colour, expected=expected) - prior).sum() for expected in (0, 0.1, 1)]
    assert 0 < changes[0] < 0.9 * changes[1] < 0.9 * changes[2]
    err = np.zeros((1, 2), np.float32)
    err[0, 1] = 1
    apart = np.abs(unmixing.unmix(src, bgr, prior.copy(), colour, err) - prior).sum(0)
    assert apart[:60].sum() < 0.95 * apart[100:].sum()


def test_blurred_edges_move_to_where_the_photo_has_them_by_its_colours_alone(monkeypatch):
    """Also where the scene says nothing of use, for it has been told to count for nothing."""
    monkeypatch.setattr(unmixing, "PRIOR", 1e9)
    true, colour = scene(1, (0, 0, 0))[2], (220, 200, 180)
    bgr = np.full((*SIZE, 3), 60, np.uint8)
    src = np.round(60 + true[..., None] * (np.float32(colour) - 60)).astype(np.uint8)
    blurred = soft(true)
    found = unmix(src, bgr, blurred.copy(), residual(src, colour))
    assert np.abs(found - true).mean() < 0.92 * np.abs(blurred - true).mean()
