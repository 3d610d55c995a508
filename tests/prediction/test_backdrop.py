"""New backgrounds: colours, photos that cover, blur, videos in a circle."""
from fractions import Fraction

import cv2
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.exr_dpx import Facts
from bgmatting.media.formats import chunks
from bgmatting.media.video.reader import open_video
from bgmatting.media.video.writer import open_writer
from bgmatting.prediction.backdrop import behind, open_backdrop
from bgmatting.prediction.core import matte
from bgmatting.utils.errors import UserError
from tests.media.video.clips import StandIn, make_clip

SRC = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize("text, rgb", [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#20c040", (32, 192, 64)),
                                       ("#f00", (255, 0, 0)), ("Green", (0, 128, 0)), ("rgb(1, 2, 3)", (1, 2, 3)),
                                       ("rgb(100%, 0%, 50%)", (255, 0, 128)), ("hsl(120, 100%, 50%)", (0, 255, 0))])
def test_colours(text, rgb):
    frame = open_backdrop(text).frame(0, SRC, None)
    assert frame.shape == SRC.shape and frame.dtype == np.uint8 and (frame == rgb).all()


def test_photo_covers_and_is_cut_at_its_centre(tmp_path):
    photo = np.zeros((40, 100, 3), np.uint8)
    photo[:, 20:80] = 200  # the middle 60 columns become the 30 of src
    write_image(tmp_path / "beach.png", photo)
    backdrop = open_backdrop(tmp_path / "beach.png")
    assert backdrop.frame(0, SRC, None).shape == SRC.shape and (backdrop.frame(0, SRC, None) == 200).all()
    tall = backdrop.frame(1, np.zeros((50, 10, 3), np.uint8), None)
    assert tall.shape == (50, 10, 3) and (tall == 200).all()
    assert (backdrop.frame(2, SRC, None) == 200).all()


def test_blur_is_of_bgr_where_there_is_one():
    rng = np.random.default_rng(0)
    src = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    bgr = np.full_like(src, 77)
    backdrop = open_backdrop("blur")
    assert (backdrop.frame(0, src, bgr) == 77).all()
    soft = backdrop.frame(0, src, None)
    assert soft.shape == src.shape and soft.dtype == np.uint8
    assert soft.std() < 0.25 * src.std() and abs(soft.mean() - src.mean()) < 2


def test_blur_of_a_large_picture_is_as_strong_as_of_a_small_one():
    edge = np.zeros((600, 1600, 3), np.uint8)
    edge[:, 800:] = 255
    soft = open_backdrop("blur").frame(0, edge, None)[300, :, 0].astype(float)
    between = np.count_nonzero((soft > 255 * 0.16) & (soft < 255 * 0.84))  # two sigma of the Gaussian
    assert abs(between / 1600 - 2 / 40) < 0.01


def test_video_goes_round(tmp_path):
    path = str(tmp_path / "clip.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for level in (0, 60, 120):
        writer.write(np.full((32, 32, 3), level, np.uint8))
    writer.release()
    backdrop = open_backdrop(path)
    levels = [round(float(backdrop.frame(index, SRC, None).mean()) / 60) for index in (0, 1, 1, 2, 3, 4, 0, 2, 8)]
    backdrop.close()
    assert levels == [0, 1, 1, 2, 0, 1, 0, 2, 2]
    with open_backdrop(path) as slow:  # by its own speed, 0.1 s a picture, where times are given
        times = (0, 0.05, 0.1, 0.19, 0.21, 0.25, 0.31, 0.42, 0.95, 7.05)
        levels = [round(float(behind(slow, time, 0, SRC, None).mean()) / 60) for time in times]
    assert levels == [0, 0, 1, 1, 2, 2, 0, 1, 0, 1]
    late = open_backdrop(path)  # the first picture asked for lies behind the end
    assert round(float(late.frame(7, SRC, None).mean()) / 60) == 1
    late.close()


def disc(height, width, radius=64):
    """A white disc on black at the centre."""
    return cv2.circle(np.zeros((height, width, 3), np.uint8), (width // 2, height // 2), radius, (255, 255, 255), -1)


def shape_of(image):
    """(height, width) of what is bright, to 4 pixels."""
    y, x = np.nonzero(image[..., 0] > 128)
    return tuple(4 * round((values.max() - values.min() + 1) / 4) for values in (y, x))


def shaped(path, image, aspect):
    """Two frames of an image as a video whose pixels are so many times as wide as high."""
    make_clip(path.with_name("square.mp4"), images=[image] * 2, height=image.shape[0], width=image.shape[1])
    with open_video(path.with_name("square.mp4")) as reader:
        writer = open_writer(path, reader.info._replace(aspect=Fraction(aspect)))
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.duration)
        writer.close()


def test_a_background_keeps_its_shape_where_pixels_are_not_square(tmp_path, monkeypatch):
    dark = np.zeros((128, 128, 3), np.uint8)
    shaped(tmp_path / "wide.mp4", dark, 2)
    shaped(tmp_path / "own.mp4", disc(128, 64, 16), 4)
    shaped(tmp_path / "same.mp4", dark + disc(128, 128, 40), 2)
    monkeypatch.setattr("bgmatting.media.video.sequence.read_plate", lambda *_: (disc(128, 64, 16) / np.float32(255),
                                                                                Facts(64, 128, Fraction(4))))
    (tmp_path / "plate.exr").touch()
    for name, image in (("dark.png", dark), ("beach.png", disc(128, 256))):
        write_image(tmp_path / name, image)
    for target, wanted in (("beach.png", (128, 64)), ("own.mp4", (32, 64)), ("plate.exr", (32, 64)),
                           ("same.mp4", (80, 80))):
        report = matte(str(tmp_path / "wide.mp4"), matter=StandIn(), bgr=str(tmp_path / "dark.png"), type=("com",),
                       target_bgr=str(tmp_path / target), format="png", output=str(tmp_path / "o"), overwrite=True)
        assert shape_of(cv2.imread(str(report.files["com"] / "000001.png"))) == wanted, target
    data = (report.files["com"] / "000001.png").read_bytes()
    shape = next(data[begin:end] for name, begin, end in chunks(data) if name == b"pHYs")
    assert shape == bytes((0, 0, 0, 1, 0, 0, 0, 2, 0))  # one pixel to a length across, two down


@pytest.mark.parametrize("rate, wanted", [(None, list(range(40))), (Fraction(15), [index // 2 for index in range(40)])])
def test_a_sequence_plays_at_the_rate_of_src_unless_it_states_one(tmp_path, monkeypatch, rate, wanted):
    """Plates of one gray level, their number; frames of src at 30 a second begin behind the sound, in milliseconds."""
    def read(path, premultiplied=False):
        return np.full((4, 6, 3), int(path.suffixes[0][1:]) / 255, np.float32), Facts(6, 4, rate=rate)
    monkeypatch.setattr("bgmatting.media.video.sequence.read_plate", read)
    for number in range(40):
        (tmp_path / f"t.{number:04d}.exr").touch()
    times = [Fraction(round(index * 1000 / 30) + (16 if rate is None else 1), 1000) for index in range(40)]
    with open_backdrop(tmp_path / "t.####.exr", rate=Fraction(30)) as backdrop:
        assert [int(behind(backdrop, time, 0, SRC, None)[0, 0, 0]) for time in times] == wanted


@pytest.mark.parametrize("text", ["nowhere.jpg", "grene", "#12", "", "x" * 400, "broken.jpg", "broken.mp4",
                                  "rgb(300,0,0)", "rgb(120%,0%,0%)", "hsl(0,100%,150%)", "hsl(120,200%,50%)"])
def test_what_is_no_background(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    for name in ("broken.jpg", "broken.mp4"):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(UserError) as error:
        open_backdrop(text)
    assert text in str(error.value) and "\n" not in str(error.value)


def test_what_is_remarkable_about_its_file_is_told(tmp_path):
    write_image(tmp_path / "a.jpg", np.full((16, 16, 3), 90, np.uint8))
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-2])
    notes = []
    assert open_backdrop(str(tmp_path / "a.jpg"), notes).frame(0, np.zeros((16, 16, 3), np.uint8), None).shape == (16, 16, 3)
    assert len(notes) == 1 and "a.jpg: its end mark" in notes[0]
