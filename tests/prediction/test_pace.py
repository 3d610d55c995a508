"""How large the coarse network sees the frames of a film."""
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bgmatting.model import Matter
from bgmatting.model.inference.trimap import AutoTrimap
from bgmatting.prediction.core import fitting
from bgmatting.prediction.options import CAMERA, PHOTO, VIDEO, Options, checked
from bgmatting.prediction.pace import PIXELS, Paced, paced
from bgmatting.utils.errors import UserError


class Timed:
    """A Matter whose frame takes ``seconds`` by ``clock``, at a quarter of the size a quarter of that."""

    def __init__(self, seconds, backbone_scale="auto"):
        self.settings, self.now, self.seconds, self.seen = {"backbone_scale": backbone_scale}, 0.0, seconds, []
        self.backbone_scale, self.sample_pixels = backbone_scale, 7

    def clock(self):
        return self.now

    def predict(self, src, bgr, want=None):
        self.now += self.seconds / (4 if self.backbone_scale == 0.25 else 1)
        self.seen.append(self.backbone_scale)
        return "matte", want


def frame(width, height):
    return np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))


def scales(seconds, fps, width=1920, height=1080, frames=3):
    """The scales that ``frames`` frames are matted at, without those that were matted to measure."""
    matter = Timed(seconds)
    film = Paced(matter, fps, matter.clock)
    before = len(matter.seen)
    for _ in range(frames):
        assert film.predict(frame(width, height), frame(width, height), want="pha") == ("matte", "pha")
    assert len(matter.seen) - before <= frames + 2
    return matter.seen[-frames:]


@pytest.mark.parametrize("seconds, fps, scale", [(0.09, 10, 0.5), (0.11, 10, 0.25), (0.11, 9, 0.5), (5, 0.3, 0.25)])
def test_a_machine_that_keeps_the_pace_shows_more(seconds, fps, scale, capsys):
    assert scales(seconds, fps) == [scale] * 3
    assert capsys.readouterr().out.count("\n") == (scale == 0.25)


@pytest.mark.parametrize("width, height, fps, scale", [
    (1920, 1080, None, 0.25), (1280, 720, None, 0.25), (1279, 720, None, 0.5), (640, 360, None, 0.5), (640, 360, 10, 0.5),
    (3840, 2160, None, 0.25), (3840, 2160, 10, 0.25), (12000, 8000, 10, 0.125), (12000, 8000, None, 0.125),
    (1920, 1080, 0, 0.5)])
def test_frames_are_measured_only_where_a_finer_matte_is_wanted_in_time(width, height, fps, scale):
    matter = Timed(9.0)
    Paced(matter, fps, matter.clock).predict(frame(width, height), frame(width, height))
    assert matter.seen == [scale]


@pytest.mark.parametrize("streams, scale", [(1, 0.25), (2, 0.25), (3, 0.5)])
def test_frames_that_are_matted_at_once_count(streams, scale):
    matter = Timed(0.25)
    matter.streams = streams
    film = Paced(matter, 10, matter.clock)
    film.predict(frame(1920, 1080), frame(1920, 1080))
    assert (matter.backbone_scale, film.streams) == (scale, streams)
    film.streams, film.sample_pixels = 4, 5
    assert matter.streams == 4 and film.sample_pixels == matter.sample_pixels == 5 and film.settings is matter.settings
    film.predict(frame(640, 360), frame(640, 360))
    assert matter.backbone_scale == 0.5  # another size is measured anew


def test_frames_wait_for_the_choice():
    matter = Timed(0.3)
    matter.predict = lambda src, bgr, want=None, real=matter.predict: (time.sleep(0.01), real(src, bgr, want))[1]
    film, seen = Paced(matter, 10, matter.clock), frame(1920, 1080)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: film.predict(seen, seen), range(8)))
    assert matter.seen == [0.5] * 2 + [0.25] * 8


def test_what_is_said_holds():
    assert isinstance(paced(Timed(1), None), Paced) and isinstance(paced(Timed(1), 3), Paced)
    for matter, arguments in ((Timed(1), (10, 0.4)), (Timed(1, 0.375), (10,))):
        assert paced(matter, *arguments) is matter


def test_fewer_pixels_of_frames_are_refined_unless_somebody_says_how_many():
    with Matter(backend="paddle", device="cpu", threads=1) as matter:
        for kind, expected in ((PHOTO, 80_000), (VIDEO, PIXELS), (CAMERA, PIXELS)):
            assert fitting(matter, Options(), kind).settings["sample_pixels"] == expected
        assert fitting(matter, Options(sample_pixels=80_000), VIDEO).settings["sample_pixels"] == 80_000
        assert fitting(matter, Options(backbone_scale=0.25), VIDEO).sample_pixels == PIXELS
        said = matter.with_settings(sample_pixels=500)
        assert fitting(said, Options(), VIDEO).sample_pixels == 500
        told = matter.with_settings(told_by_weights=("refine_sample_pixels",))
        assert fitting(told, Options(), VIDEO).sample_pixels == 80_000 and matter.sample_pixels == 80_000
    with Matter(backend="paddle", device="cpu", threads=1, sample_pixels=80_000, fill=False) as matter:
        assert fitting(matter, Options(), VIDEO).sample_pixels == 80_000
        assert not fitting(matter, Options(), PHOTO).settings.fill


def test_the_network_that_makes_trimaps_of_frames_is_paced_too():
    with Matter(backend="paddle", device="cpu", threads=1) as matter:
        both = fitting(AutoTrimap(matter, matter), Options(), VIDEO)
        assert isinstance(both.first, Paced) and both.first.sample_pixels == PIXELS and not both.first.settings.fill
        rng = np.random.default_rng(0)
        src, bgr = (rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(2))
        assert both.first.predict(src, bgr, ("pha",)).pha.shape == (64, 96)
        assert both.first.settings.backbone_scale == 0.5


def test_a_matter_takes_another_scale_between_frames():
    rng = np.random.default_rng(0)
    src, bgr = (rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(2))
    with Matter(backend="paddle", device="cpu", threads=1) as matter, \
            Matter(backend="paddle", device="cpu", threads=1, backbone_scale=0.25) as quarter:
        twice = matter.predict(src, bgr, ("pha",)).pha
        matter.backbone_scale = 0.25
        assert np.array_equal(matter.predict(src, bgr, ("pha",)).pha, quarter.predict(src, bgr, ("pha",)).pha)
        matter.backbone_scale = "auto"
        assert np.array_equal(matter.predict(src, bgr, ("pha",)).pha, twice)
        assert not np.array_equal(twice, quarter.predict(src, bgr, ("pha",)).pha)
        with pytest.raises(UserError, match="backbone scale"):
            matter.backbone_scale = 1.1
        assert matter.backbone_scale == "auto"


def test_a_scale_and_a_pace_do_not_go_together():
    with pytest.raises(UserError, match="--fps"):
        checked(Options(src="a.mp4", bgr="b.png", fps=20, backbone_scale=0.5), "video")
    with pytest.raises(UserError, match="--sheet-rows"):
        checked(Options(src="a.png", bgr="b.png", sheet_rows=20), "photo")
