import importlib.util

import cv2
import numpy as np
import pytest

from bgmatting.evaluation.baselines import BASELINES, choose_baselines, closed_form, difference_key, knn, mog2
from bgmatting.utils.errors import UserError


@pytest.fixture(scope="module")
def scene():
    """A textured background, and a soft-edged disc of another colour in front of it."""
    rng = np.random.default_rng(0)
    bgr = cv2.resize(rng.integers(60, 180, (10, 14, 3), dtype=np.uint8), (112, 80), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:80, :112]
    pha = np.clip((26 - np.hypot(y - 40, x - 56)) / 4 + 0.5, 0, 1)
    src = bgr * (1 - pha[..., None]) + np.array([250, 20, 30]) * pha[..., None]
    return src.astype(np.uint8), bgr, (pha * 255).astype(np.uint8)


def noisy(image, seed):
    return np.clip(image + np.random.default_rng(seed).normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def test_keying_finds_a_subject_of_another_colour_and_no_noise(scene):
    src, bgr, pha = scene
    assert np.abs(difference_key(src, bgr).astype(int) - pha).mean() < 9  # the soft edge is steep in it
    key = difference_key(noisy(src, 1), noisy(bgr, 2))
    assert key.dtype == np.uint8 and key[cv2.dilate(pha, np.ones((9, 9), np.uint8)) == 0].max() <= 8
    assert key[pha == 255].mean() > 240
    assert difference_key(np.full_like(bgr, (0, 255, 0)), bgr).mean() > 240  # a subject that fills the image


@pytest.mark.parametrize("method", (mog2, knn))
def test_a_subtractor_finds_the_subject_and_repeats_itself(scene, method):
    src, bgr, pha = scene
    found = method(src, bgr)
    assert found.dtype == np.uint8 and set(np.unique(found)) == {0, 255}
    assert (found[pha == 255] > 0).mean() > 0.98 and (found[pha == 0] > 0).mean() < 0.02
    assert np.array_equal(found, method(src, bgr))


@pytest.mark.skipif(importlib.util.find_spec("pymatting") is None, reason="needs PyMatting")
def test_closed_form_matting_is_closer_than_its_key(scene, monkeypatch):
    src, bgr, pha = scene
    key = difference_key(src, bgr)
    found = closed_form(src, bgr)
    assert found.shape == pha.shape and found.dtype == np.uint8
    error, key_error = (np.abs(image.astype(int) - pha).mean() for image in (found, key))
    assert error < 2 and error < key_error
    monkeypatch.setattr("bgmatting.evaluation.baselines.MOST_PIXELS", 80 * 112 // 4)
    assert np.abs(closed_form(src, bgr).astype(int) - pha).mean() < 3
    assert np.array_equal(closed_form(bgr, bgr), difference_key(bgr, bgr))   # nothing sure to be foreground


def test_choosing(monkeypatch):
    assert choose_baselines(["knn", "keying", "knn"]) == (("keying", "knn"), ())
    assert choose_baselines([]) == ((), ())
    with pytest.raises(UserError, match="'knm'.*'knn'"):
        choose_baselines(["knm"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_baselines(["all"]) == (("keying", "mog2", "knn"), ("closed-form",))
    with pytest.raises(UserError, match="needs PyMatting"):
        choose_baselines(["all", "closed-form"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert choose_baselines(["all"]) == (tuple(BASELINES), ())
