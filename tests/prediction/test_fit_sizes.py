"""One way to fit a background of another size: for photos, videos, a camera and what com is set before."""
import numpy as np

from bgmatting.prediction.sizes import fit_size


def test_resize_stretches_and_crop_cuts():
    bgr = np.zeros((40, 80, 3), np.uint8)
    bgr[:, 20:60] = 200
    assert (fit_size(bgr, (20, 20), "crop") == 200).all()
    stretched = fit_size(bgr, (20, 20), "resize")
    assert (stretched[:, 6:14] == 200).all() and not stretched[:, :4].any() and not stretched[:, 16:].any()
    assert fit_size(bgr, (160, 160), "crop").shape == fit_size(bgr, (160, 160), "resize").shape == (160, 160, 3)
    assert fit_size(bgr, (40, 80), None) is bgr
