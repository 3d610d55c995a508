"""One frame delayed: what flickers for a single frame is replaced, all else stays, and frames and sound keep their order."""
import numpy as np
import pytest

from bgmatting.media.video.reader import open_video
from bgmatting.model.inference.matte import as_float
from bgmatting.prediction import core
from bgmatting.prediction.options import Options
from bgmatting.prediction.video import pipeline
from bgmatting.prediction.video.delay import OneFrameDelay
from bgmatting.prediction.video.pipeline import VideoJob, matte_frames
from tests.media.video.clips import HEIGHT, WIDTH, Matte, decoded, make_clip


def flat(value):
    return np.full((4, 5), value, np.float32)


def by_loops(film, tolerance=0.1):
    """One frame delayed, pixel by pixel."""
    made = [pha.copy() for pha in film]
    for number in range(1, len(film) - 1):
        for place in np.ndindex(film[0].shape):
            before, now, after = (float(film[number + step][place]) for step in (-1, 0, 1))
            if abs(after - before) <= tolerance < min(abs(now - before), abs(now - after)):
                made[number][place] = (before + after) / 2
    return made


FILMS = {"floats": lambda rng: rng.random((5, 7), np.float32),
         "bytes": lambda rng: as_float(rng.integers(0, 256, (5, 7), dtype=np.uint8)),
         "two values": lambda rng: rng.integers(0, 2, (5, 7)).astype(np.float32), "constant": lambda _: flat(0.37)}


@pytest.mark.parametrize("frames", (1, 2, 3, 12))
@pytest.mark.parametrize("kind", FILMS)
def test_any_film_is_what_loops_over_its_pixels_make_of_it(kind, frames):
    rng = np.random.default_rng(frames)
    film = [FILMS[kind](rng) for _ in range(frames)]
    given, items, found, delay = [pha.copy() for pha in film], [], [], OneFrameDelay()
    for number, pha in enumerate(given):
        pushed = [(number, pha)] + [((number, "sound"), None)] * int(rng.integers(3))
        items += [item for item, _ in pushed]
        for one in pushed:
            found += delay.push(*one)
    found += delay.flush()
    assert [item for item, _ in found] == items and delay.flush() == []
    smooth = [pha for _, pha in found if pha is not None]
    np.testing.assert_allclose(smooth, by_loops(film), atol=1e-6)
    np.testing.assert_array_equal(given, film)
    assert (np.array(smooth) != film).any() == (frames > 2 and kind != "constant")


class Flickers:
    """A matte without bgr that is missing in frame 3."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def __init__(self):
        self.frame = -1

    def predict(self, src, bgr, want):
        assert bgr is None
        self.frame += 1
        pha = np.full(src.shape[:2], float(self.frame != 3), np.float32)
        made = {"pha": pha, "fgr": src / np.float32(255)}
        return Matte(*(made.get(name) if name in want else None for name in Matte._fields))


@pytest.mark.parametrize("large", [False, True])
def test_a_video_alone(tmp_path, monkeypatch, large):
    make_clip(tmp_path / "src.mp4", 8, audio="aac")
    monkeypatch.setattr(pipeline, "LARGE", 0 if large else 1 << 30)
    for name, delay in (("plain", None), ("ofd", OneFrameDelay())):
        job = VideoJob(tmp_path / "src.mp4", {"pha": tmp_path / f"{name}.mp4", "com": tmp_path / f"{name}.mov"}, delay=delay)
        report = matte_frames(Flickers, job)
        assert report.done == 8
        levels = [int(image.mean()) for image, _ in decoded(tmp_path / f"{name}.mp4")]
        assert [level > 250 for level in levels] == [name == "ofd" or number != 3 for number in range(8)]
    times = [[round(time, 4) for _, time in decoded(tmp_path / f"{name}.mp4")] for name in ("plain", "ofd")]
    assert times[0] == times[1] and len(times[0]) == 8
    with open_video(tmp_path / "ofd.mp4") as reader:
        assert (reader.info.width, reader.info.height) == (WIDTH, HEIGHT) and reader.audio is not None
    if not large:  # by the flag
        for word in ("auto", "off"):
            options = Options(src=str(tmp_path / "src.mp4"), output=str(tmp_path / word), type=("pha",), temporal=word)
            assert core.matte(None, options, Flickers()).done == 8
            levels = [int(image.mean()) > 250 for image, _ in decoded(tmp_path / word / "src_pha.mp4")]
            assert levels == [word == "auto" or number != 3 for number in range(8)]
