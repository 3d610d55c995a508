"""The jitter of bgr is that of kornia 0.4.1. data/jitter.npz holds 300 of its draws on one picture, and what came out:

    aug = kornia.augmentation.ColorJitter(0.18, 0.18, 0.18, 0.1); parameters = aug.generate_parameters((1, 3, 5, 6))
"""
from pathlib import Path

import numpy as np
import pytest

from bgmatting.dataset.augment import added_jitter, jittered

DRAWS = np.load(Path(__file__).resolve().parents[1] / "data" / "jitter.npz")


def test_the_same_amounts_in_the_same_order_give_the_same_picture():
    worst = []
    for amounts, order, expected in zip(DRAWS["amounts"], DRAWS["orders"], DRAWS["results"]):
        ours = jittered(DRAWS["image"], *amounts, order)
        assert ours.dtype == np.uint8 and ours.shape == expected.shape
        worst.append(np.abs(ours.astype(int) - expected).max())
    assert len(worst) == 300 and max(worst) <= 1 and np.mean(worst) < 0.8


def drawn(monkeypatch, count):
    from bgmatting.dataset import augment
    rows = []
    monkeypatch.setattr(augment, "jittered", lambda image, *amounts: rows.append(amounts) or image)
    rng = np.random.default_rng(5)
    for _ in range(count):
        added_jitter(rng, DRAWS["image"], 0.18, 0.18, 0.18, 0.1)
    return np.array([row[:4] for row in rows], float), np.array([row[4] for row in rows])


def test_amounts_and_orders_are_drawn_from_the_same_ranges(monkeypatch):
    amounts, orders = drawn(monkeypatch, 3000)
    theirs = DRAWS["amounts"]
    np.testing.assert_allclose(amounts.mean(0), theirs.mean(0), atol=0.02)
    np.testing.assert_allclose(amounts.std(0), theirs.std(0), rtol=0.08)
    assert (np.abs(amounts - [0, 1, 1, 0]).max(0) <= [0.18, 0.18, 0.18, 0.1]).all()
    for place in range(4):
        share = np.bincount(orders[:, place], minlength=4) / len(orders)
        assert share == pytest.approx([0.25] * 4, abs=0.03)
    assert (np.sort(orders, axis=1) == range(4)).all()


def test_brightness_is_added_and_contrast_spreads_from_black():
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (jittered(grey, 0.1, 1, 1, 0, range(4)) == 126).all()            # 100 + 25.5: not 100 * 1.1
    assert (jittered(grey, 0, 1.1, 1, 0, range(4)) == 110).all()            # from black: around a mean nothing would change
    assert (jittered(grey + 150, 0.2, 0.8, 1, 0, [0, 1, 2, 3]) == 204).all()  # cut to the range in between
    assert (jittered(grey + 150, 0.2, 0.8, 1, 0, [1, 0, 2, 3]) == 251).all()
