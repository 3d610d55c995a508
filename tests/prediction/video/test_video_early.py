"""What is known before any work: encoders that cannot be used, a network that cannot be opened, sound that is left out."""
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.video import writer
from bgmatting.media.video.encoders import Encoding
from bgmatting.prediction.video.pipeline import VideoJob, matte_frames
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, WIDTH, StandIn, make_clip


@pytest.fixture
def clip(tmp_path):
    make_clip(tmp_path / "src.mp4", 6, audio="aac")
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return tmp_path


def job(folder, *words, bgr="bgr.png"):
    return VideoJob(folder / "src.mp4", {word: folder / "o" / f"{word}.mov" for word in words}, folder / bgr)


def not_to_be_opened():
    raise AssertionError("the network was opened")


def test_an_encoder_that_cannot_be_used(clip, monkeypatch):
    monkeypatch.setattr(writer, "encoding", lambda *facts: Encoding("libx264", "yuv420p", {"preset": "none such"}))
    with pytest.raises(UserError, match="cannot write"):
        matte_frames(not_to_be_opened, job(clip, "pha"))
    assert list((clip / "o").iterdir()) == []


def test_a_network_that_cannot_be_opened_leaves_nothing(clip):
    with pytest.raises(AssertionError, match="was opened"):
        matte_frames(not_to_be_opened, job(clip, "pha", "com"))
    assert list((clip / "o").iterdir()) == []


def test_sound_that_nobody_knows_is_told_once_and_not_at_all_of_a_background(clip):
    data = (clip / "src.mp4").read_bytes()
    (clip / "src.mp4").write_bytes(data.replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    report = matte_frames(StandIn, job(clip, "pha", "com"))
    assert report.done == 6 and len(report.notes) == 1 and "no sound" in report.notes[0]
    (clip / "room.mp4").write_bytes((clip / "src.mp4").read_bytes())
    (clip / "src.mp4").write_bytes(data)
    assert matte_frames(StandIn, job(clip, "pha", bgr="room.mp4")).notes == []
