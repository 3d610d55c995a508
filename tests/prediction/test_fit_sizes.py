"""One way to fit a background of another size: for photos, videos, a camera and what com is set before."""
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.plan import Job
from bgmatting.prediction.sizes import fit_size


def test_resize_stretches_and_crop_cuts():
    bgr = np.zeros((40, 80, 3), np.uint8)
    bgr[:, 20:60] = 200
    assert (fit_size(bgr, (20, 20), "crop") == 200).all()
    stretched = fit_size(bgr, (20, 20), "resize")
    assert (stretched[:, 6:14] == 200).all() and not stretched[:, :4].any() and not stretched[:, 16:].any()
    assert fit_size(bgr, (160, 160), "crop").shape == fit_size(bgr, (160, 160), "resize").shape == (160, 160, 3)
    assert fit_size(bgr, (40, 80), None) is bgr


@pytest.mark.parametrize("fit", ["resize", "crop"])
@pytest.mark.parametrize("size", [(24, 40), (90, 70)])
def test_photos_videos_and_backdrops_agree_to_the_byte(tmp_path, fit, size):
    from bgmatting.media.video.reader import open_video
    from bgmatting.prediction.video.scene import open_scene
    from tests.media.video.clips import HEIGHT, WIDTH, make_clip, picture
    make_clip(tmp_path / "clip.mp4", 1)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    write_image(tmp_path / "bgr.png", image)
    write_image(tmp_path / "src.png", picture(0))
    pair = PairReader(fit)(Job("src.png", tmp_path / "src.png", tmp_path / "bgr.png", {}))
    with open_video(tmp_path / "clip.mp4") as reader:
        scene = open_scene(tmp_path / "bgr.png", tmp_path / "clip.mp4", reader.info, fit)
    expected = fit_size(image, (HEIGHT, WIDTH), fit)
    np.testing.assert_array_equal(pair.bgr, expected)
    np.testing.assert_array_equal(scene.frame(0), expected)
    if fit == "crop":
        np.testing.assert_array_equal(open_backdrop(tmp_path / "bgr.png").frame(0, picture(0), None), expected)
