"""Backgrounds of a video: photos, videos, and medians of the clip itself."""
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.video.reader import open_video
from bgmatting.prediction.video import empty_scene as scene_module
from bgmatting.prediction.video.empty_scene import first_frames, median_of, open_scene
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, WIDTH, make_clip, picture


def scene_of(bgr, src, fit=None):
    with open_video(src) as reader:
        return open_scene(bgr, src, reader.info, fit)


def passing(frames, empty):
    """A gray scene that a bright bar crosses from frame ``empty`` on."""
    still = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    images = []
    for index in range(frames):
        image = still.copy()
        if index >= empty:
            left = (index - empty) * 4 % WIDTH
            image[:, left:left + 8] = 250
        images.append(image)
    return images, still


def test_a_photo_and_other_sizes(tmp_path):
    make_clip(tmp_path / "src.mp4")
    write_image(tmp_path / "bgr.png", picture(3))
    scene = scene_of(tmp_path / "bgr.png", tmp_path / "src.mp4")
    assert np.array_equal(scene.frame(0), picture(3)) and scene.frame(0) is scene.frame(7)
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8))
    make_clip(tmp_path / "bgr.mp4", width=WIDTH + 2)
    for name in ("bgr.png", "bgr.mp4"):
        with pytest.raises(UserError, match=f"{WIDTH}x{HEIGHT}.*{WIDTH + 2}x{HEIGHT}"):
            scene_of(tmp_path / name, tmp_path / "src.mp4")
        for fit in ("resize", "crop"):
            scene = scene_of(tmp_path / name, tmp_path / "src.mp4", fit)
            assert scene.frame(0).shape == (HEIGHT, WIDTH, 3)
            scene.close()
    with pytest.raises(UserError, match="resize or crop"):
        scene_of(tmp_path / "bgr.png", tmp_path / "src.mp4", "stretch")


def test_video_is_followed_and_held(tmp_path):
    make_clip(tmp_path / "src.mp4", 12)
    images = make_clip(tmp_path / "bgr.mp4", 4)
    scene = scene_of(tmp_path / "bgr.mp4", tmp_path / "src.mp4")
    for index in range(8):
        assert np.abs(scene.frame(index).astype(int) - images[min(index, 3)]).mean() < 3
    scene.close()


def test_median_of_images():
    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 8):
        images = rng.integers(0, 256, (count, 6, 5, 3), dtype=np.uint8)
        assert np.array_equal(median_of(images), np.sort(images, 0)[(count - 1) // 2])


def test_first_frames(tmp_path):
    images, still = passing(20, empty=5)
    make_clip(tmp_path / "src.mp4", images=images)
    for word in ("first:5", "first:1", "first:9"):  # nine: the bar is nowhere for more than two of them
        found = scene_of(word, tmp_path / "src.mp4").frame(0)
        assert np.abs(found.astype(int) - still).max() < 8
    found = scene_of("first:1000000", tmp_path / "src.mp4").frame(0)
    assert np.abs(found.astype(int) - still).max() < 8
    for word in ("first:", "first:0", "first:x", "first:-3"):
        with pytest.raises(UserError, match="first:30"):
            first_frames(word)
    with open_video(tmp_path / "src.mp4") as reader, pytest.raises(UserError, match="photo"):
        open_scene("median", "rtsp://nowhere", reader.info)  # a stream is not read twice


def test_median_of_a_clip(tmp_path, monkeypatch):
    images, still = passing(64, empty=0)
    make_clip(tmp_path / "src.mp4", images=images)
    whole = scene_of("median", tmp_path / "src.mp4").frame(0)
    assert np.abs(whole.astype(int) - still).max() < 8
    opened = []
    real = open_video
    monkeypatch.setattr("bgmatting.media.decoding.open_video",
                        lambda path, **more: opened.append(path) or real(path, **more))
    monkeypatch.setattr(scene_module, "SAMPLE_BYTES", 50 * WIDTH * 3 * 13)  # 13 rows at once: four strips
    in_strips = scene_of("median", tmp_path / "src.mp4").frame(0)
    assert np.array_equal(in_strips, whole) and len(opened) == 1 + 4
