"""predict.py as a command: its flags, the sample pair, and which room does what."""
import importlib.machinery
import os
import re
import subprocess
import sys
import types

import pytest
from PIL import Image

from bgmatting.commands import predict
from bgmatting.media import read_image
from bgmatting.model.weights import STARTER
from bgmatting.prediction.source import inputs
from bgmatting.utils.files import PROJECT
from tests.prediction.command import files, refuse, run

pytestmark = pytest.mark.usefixtures("stand_in")


class Video:
    """Stands for prediction.video.cli; keeps what it was called with."""

    def run(self, options, open_matter):
        self.options, self.open_matter = options, open_matter
        return 7

    def is_video(self, text):
        return text.endswith(".mp4")


@pytest.fixture
def video(monkeypatch):
    package, cli = types.ModuleType("bgmatting.media.video"), Video()
    package.cli = cli
    package.__spec__ = importlib.machinery.ModuleSpec("bgmatting.media.video", None)
    monkeypatch.setitem(sys.modules, "bgmatting.media.video", package)
    monkeypatch.setitem(sys.modules, "bgmatting.prediction.video.cli", cli)
    return cli


def test_without_arguments_the_sample_pair_goes_into_image():
    args = predict.parse([])
    src, bgr = inputs(args.src, args.bgr)
    assert read_image(src).shape == read_image(bgr).shape == (960, 1280, 3)
    assert args.output == PROJECT / "image" and args.type is None and not args.overwrite


def test_the_sample_pair_can_be_done_again(tmp_path):
    for _ in range(2):
        assert run("--output", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["src_com.png", "src_pha.png"]


@pytest.mark.parametrize("flag", ["--backbone-scale", "--backbone_scale"])
def test_hyphen_and_underscore(flag):
    assert predict.parse([flag, "0.125"]).backbone_scale == 0.125


def test_other_programs_names_for_the_same():
    args = predict.parse(["--model_path", "w.pdparams", "--image_path", "a.jpg", "--save_dir", "out"])
    assert (args.weights, args.src, args.output) == ("w.pdparams", "a.jpg", "out")
    assert predict.parse(["--save-dir", "o"]).output == "o"


def test_a_scene_without_its_photo(photos, capsys):
    assert "--src" in refuse(capsys, photos / "out", "--bgr", photos / "bgr.png")


def test_negative_sample_pixels(capsys, tmp_path):
    assert "--sample-pixels" in refuse(capsys, tmp_path / "out", "--sample_pixels", "-16")
    for wrong in ("-1", "nan", "inf"):
        said = refuse(capsys, tmp_path / "out", "--src", "a.mp4", "--bgr", "b.png", "--fps", wrong)
        assert "--fps is a number of frames a second" in said


@pytest.mark.parametrize("src", ["clip.mp4", "rtsp://localhost/x", "move.gif"])
def test_videos_go_to_their_own_command(tmp_path, video, src):
    if src == "move.gif":
        frames = [Image.new("L", (8, 8), level) for level in (0, 200)]
        frames[0].save(tmp_path / src, save_all=True, append_images=frames[1:])
        src = str(tmp_path / src)
    assert run("--src", src, "--bgr", "median", "--target-bgr", "white", "--output", tmp_path / "out") == 7
    assert video.options.src == src and video.options.bgr == "median" and video.options.type is None
    assert video.options.target_bgr == "white" and not video.options.overwrite
    assert video.open_matter is predict.open_matter


@pytest.mark.parametrize("more, words", [
    (("--shard", "1/2"), "--shard is for photos"), (("--bit-depth", "16"), "--bit-depth is for photos"),
    (("--sheet", "s.png"), "--sheet is for photos")])
def test_flags_that_say_nothing_to_videos(tmp_path, video, capsys, more, words):
    assert words in refuse(capsys, tmp_path / "out", "--src", "clip.mp4", "--bgr", "median", *more)


def test_a_video_without_its_background(video, tmp_path, capsys):
    named = ("--weights", STARTER)  # that need it
    assert re.search("--bgr.*first:N.*median", refuse(capsys, tmp_path / "out", "--src", "clip.mp4", *named))


def test_a_videos_output_is_a_folder(tmp_path, capsys):
    assert "folder" in refuse(capsys, tmp_path / "me.mp4", "--src", "clip.mp4", "--bgr", "median")


def test_the_command_itself_from_another_folder(tmp_path):
    script = os.path.join(PROJECT, "predict.py")
    result = subprocess.run([sys.executable, script, "--src", "no.jpg", "--bgr", "no.jpg"], cwd=tmp_path,
                            capture_output=True, text=True)
    assert result.returncode == 2 and "no.jpg" in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
