"""The sample generator: repeatable, offline, in range, and teaching what matting needs."""
import functools
import socket

import cv2
import numpy as np
import pytest

from bgmatting.dataset.generate import KINDS, make_background, make_sample, make_subject
from bgmatting.dataset.generate.paint import optics, photos
from bgmatting.dataset.generate.paint.canvas import Canvas
from bgmatting.dataset.generate.subjects.hair import fringe
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Any attempt to reach the network fails the test."""
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("the generator reached for the network"))


@pytest.fixture(scope="module")
def samples():
    """Thirty samples of 80 x 80 pixels."""
    return [make_sample(seed, 80, 80) for seed in range(30)]


def partial(pha):
    return float(((pha > 0) & (pha < 255)).mean())


@pytest.mark.parametrize("height, width", [(48, 120), (110, 64)])
def test_same_arguments_give_the_same_bytes(height, width):
    first, again = make_sample(7, height, width), make_sample(7, height, width)
    for one, two in zip(first, again):
        np.testing.assert_array_equal(one, two)
    assert first.pha.shape == (height, width) and first.fgr.shape == first.bgr.shape == (height, width, 3)
    assert {part.dtype for part in first} == {np.dtype(np.uint8)}
    assert all(part.flags["C_CONTIGUOUS"] for part in first)


def test_generates_from_whatever_photographs_are_installed(tmp_path, monkeypatch):
    source = photos.photo("coffee.png")
    write_image(tmp_path / "coffee.png", source)
    monkeypatch.setattr(photos, "folder", lambda: tmp_path)
    for cached in ("available", "photo", "faces"):
        monkeypatch.setattr(photos, cached, functools.cache(getattr(photos, cached).__wrapped__))
    assert photos.available() == ("coffee.png",)
    assert all(make_sample(seed, 48, 48).pha.any() for seed in range(4))
    (tmp_path / "coffee.png").unlink()
    photos.available.cache_clear()
    with pytest.raises(UserError, match="scikit-image"):
        photos.available()


def test_subject_area_is_in_range(samples):
    areas = np.array([(sample.pha > 127).mean() for sample in samples])
    assert areas.min() > 0.01 and areas.max() < 0.93
    assert 0.2 < np.median(areas) < 0.55
    assert np.ptp(areas) > 0.4 and len({sample.bgr.tobytes() for sample in samples}) == len(samples)


def test_most_pixels_are_exactly_in_or_out(samples):
    shares = np.array([partial(sample.pha) for sample in samples])
    assert np.median(shares) < 0.15 and shares.min() > 0.003
    assert np.mean([(sample.pha == 255).any() for sample in samples]) > 0.95
    assert np.mean([(sample.pha == 0).mean() > 0.05 for sample in samples]) > 0.9


def test_strand_thinner_than_a_pixel_is_partly_opaque():
    canvas = Canvas(64, 64)
    line = np.array([[[10.0, 20.3], [50.0, 40.1]]])
    canvas.strands(line, np.ones((1, 3), np.float32), width=0.25)
    alpha = canvas.rgba[..., 3]
    assert 0.1 < alpha.max() < 0.6
    assert alpha.sum() == pytest.approx(0.25 * np.hypot(40, 19.8), rel=0.5)


def test_fur_grows_out_of_the_subject_and_into_its_holes():
    canvas = Canvas(120, 120)
    canvas.rgba[20:100, 20:100] = 1
    canvas.rgba[40:80, 40:80] = 0
    before = canvas.rgba[..., 3].copy()
    square = np.array(((0.0, 0), (1, 0), (1, 1), (0, 1)))
    for outline in (20 + 80 * square, 40 + 40 * square[::-1], 40 + 40 * square):
        fringe(np.random.default_rng(1), canvas, outline, length=6, density=1.5, width=0.6, lean=(0, 0))
    grown = canvas.rgba[..., 3] - before
    assert grown[42:78, 42:78].sum() > 30 and grown[10:20].sum() > 30
    assert canvas.rgba[canvas.rgba[..., 3] > 0.9].min() > 0.6  # white fur on white, nothing black


def test_edge_pixels_hold_no_background():
    rng = np.random.default_rng(5)
    pha, fgr = make_subject(rng, 96, 96, "animal", np.full((96, 96, 3), 128, np.uint8))
    assert fgr[pha == 0].std() > 0  # not one filler colour
    inside = fgr[pha > 250].reshape(-1, 3).astype(int)
    rim = fgr[(pha > 10) & (pha < 100)].reshape(-1, 3).astype(int)
    assert np.abs(np.median(inside, 0) - np.median(rim, 0)).max() < 90


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_paints_something(kind):
    pha, fgr = make_subject(np.random.default_rng(11), 64, 96, kind)
    assert (pha > 127).mean() > 0.01 and fgr.shape == (64, 96, 3)


def test_see_through_cloth_is_neither_in_nor_out():
    middles = [((pha > 50) & (pha < 205)).mean() for pha in
               (make_subject(np.random.default_rng(seed), 64, 64, "veil")[0] for seed in range(6))]
    assert max(middles) > 0.04


def test_backgrounds_range_from_dark_to_bright_and_from_soft_to_sharp():
    images = [make_background(np.random.default_rng(seed), 64, 96) for seed in range(40)]
    means = np.array([image.mean() for image in images])
    detail = np.array([cv2.Laplacian(image, cv2.CV_32F).std() for image in images])
    assert np.percentile(means, 5) < 70 and np.percentile(means, 95) > 150
    assert np.percentile(detail, 10) < 6 and np.percentile(detail, 90) > 30


def test_camouflage_can_be_asked_for():
    def colours_apart(camouflage):
        apart = []
        for seed in range(8):
            pha, fgr, bgr = make_sample(seed, 48, 48, camouflage=camouflage)
            inside = pha > 250
            apart.append(np.abs(fgr[inside].astype(float) - bgr[inside]).mean())
        return np.mean(apart)

    assert colours_apart(1.0) < 0.8 * colours_apart(0.0)


def test_soft_fur_fades_and_stays_in_range():
    rgba = np.zeros((96, 96, 4), np.float32)
    rgba[30:66, 30:66] = 0.5, 0.25, 0.0, 1.0
    fades = [optics.downy(np.random.default_rng(seed), rgba) for seed in range(8)]
    for soft in fades:
        assert soft.shape == rgba.shape and soft.min() >= -1e-6 and soft[..., 3].max() <= 1 + 1e-6
    assert np.mean([((soft[48, :, 3] > 0.02) & (soft[48, :, 3] < 0.98)).sum() for soft in fades]) > 3  # from none
    soft = fades[0]
    seen = soft[..., 3] > 0.05
    assert np.abs(soft[seen][:, 0] / soft[seen][:, 3] - 0.5).max() < 1e-3
