"""A camera with a network that needs no image of the empty scene."""
import os

import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.prediction import core
from bgmatting.prediction.camera.session import MATTING, Session
from bgmatting.utils.errors import UserError
from tests.media.video.clips import decoded, make_clip
from tests.prediction.camera.scenes import Matte, picture
from tests.prediction.weights import write_weights


class Bright:
    """Takes for subject what is bright; has nothing to refine."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def predict(self, src, bgr, want):
        assert bgr is None and tuple(want) == ("pha", "fgr")
        return Matte((src.max(2) > 120).astype(np.float32), src / np.float32(255), None, None)


class Backdrop:
    """Blue, and nothing else."""

    def frame(self, index, src, bgr):
        assert bgr is None
        return np.full_like(src, (0, 0, 255))

    def close(self):
        pass


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(core, "open_matter", lambda options: Bright())
    monkeypatch.setattr("bgmatting.model.inference.single.check_foreground", lambda: None)  # the stand-in gives colours
    make_clip(tmp_path / "clip.mp4", images=[picture(index) for index in range(6)])
    write_weights(tmp_path / "modnet.safetensors", "modnet")
    return tmp_path


def run(*more):
    return predict.main(["--src", "camera:clip.mp4", "--weights", "modnet.safetensors", "--no-window", "--output", "out.mp4",
                         *more])


def test_every_picture_is_matted_from_the_first_on(folder, capsys):
    assert run("--target-bgr", "#4080c0") == 0
    found = [image.astype(int) for image, _ in decoded(folder / "out.mp4")]
    assert len(found) == 6 and "6 frames" in capsys.readouterr().out
    for index in (0, 5):
        inside = found[index][18:30, 2 * index + 2:2 * index + 14]
        assert np.abs(inside - (220, 180, 160)).mean() < 8 and np.abs(found[index][:12] - (64, 128, 192)).mean() < 8


@pytest.mark.parametrize("words, more", [
    ("takes src alone. Leave --bgr out", ("--bgr", "first:2")),
    ("--countdown is for taking the background", ("--countdown", "1"))])
def test_nothing_is_said_of_a_background(folder, words, more):
    before = sorted(os.listdir(folder))
    with pytest.raises(UserError) as caught:
        run(*more)
    assert words in str(caught.value) and sorted(os.listdir(folder)) == before


def test_keys_that_have_no_use_say_so():
    records = []
    session = Session(Bright(), [("blue", Backdrop())], record=lambda: records.append(1), alone=True, refines=False)
    for key, words in (("b", "this network needs no background"), ("+", "this network refines no pixels"), ("r", "")):
        session.key(key)
        view = session.frame(picture(0), 0.0)
        assert (view.state, view.text, view.refined) == (MATTING, words, None)
        assert tuple(view.com[0, 0]) == (0, 0, 255) and tuple(view.com[20, 8]) == (220, 180, 160)
    session.frame(np.zeros((32, 40, 3), np.uint8), 0.1)  # another size is no trouble
    assert records == [1]
