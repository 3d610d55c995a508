"""predict.py as a command: its flags, the sample pair, and which kind of source goes where."""
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

from bgmatting.commands import predict
from bgmatting.media import read_image
from bgmatting.model.weights import STARTER
from bgmatting.prediction import core
from bgmatting.prediction.options import options_of
from bgmatting.prediction.source import Source
from bgmatting.utils.files import PROJECT
from tests.prediction.command import files, refuse, run

pytestmark = pytest.mark.usefixtures("stand_in")


def test_without_arguments_the_sample_pair_goes_into_image():
    args = predict.parse([])
    source, options = core.settled(None, options_of(vars(args)))
    assert read_image(source.name).shape == read_image(options.bgr).shape == (960, 1280, 3)
    assert args.output == PROJECT / "image" and args.type is None and not args.overwrite and options.overwrite


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


def test_src_bgr_and_types_by_their_place(photos, capsys):
    assert run(photos / "src.png", photos / "bgr.png", "alp", "fgr", "--output", photos / "out") == 0
    assert files(photos / "out") == ["src_fgr.png", "src_pha.png"]
    with pytest.raises(SystemExit):
        predict.parse(["a.jpg", "--src", "b.jpg"])
    assert "given twice" in capsys.readouterr().err


def training(words):
    from bgmatting.commands import train
    return train.parse(words)


@pytest.mark.parametrize("parse, flag, words", [
    (predict.parse, "--model-backbone", "The file that --weights names"),
    (predict.parse, "--model_type", "The file that --weights names"),
    (predict.parse, "--pretrained_model", "Here it is --weights."),
    (predict.parse, "--checkpoint_path", "Here it is --weights."),
    (predict.parse, "--images-src", "Here it is --src."), (predict.parse, "--output-types", "Here it is --type."),
    (predict.parse, "--wieghts", "Did you mean '--weights'"),
    (training, "--lerning-rate", "Did you mean '--learning-rate'")])
def test_flags_of_other_programs_are_translated(capsys, parse, flag, words):
    with pytest.raises(SystemExit):
        parse([flag, "x"])
    assert words in capsys.readouterr().err


def test_a_scene_without_its_photo(photos, capsys):
    assert "--src" in refuse(capsys, photos / "out", "--bgr", photos / "bgr.png")


def test_negative_sample_pixels(capsys, tmp_path):
    assert "--sample-pixels" in refuse(capsys, tmp_path / "out", "--sample_pixels", "-16")
    for wrong in ("-1", "nan", "inf"):
        said = refuse(capsys, tmp_path / "out", "--src", "a.mp4", "--bgr", "b.png", "--fps", wrong)
        assert "--fps is a number" in said


@pytest.mark.parametrize("src, kind", [
    ("clip.mp4", "video"), ("rtsp://localhost/x", "video"), ("move.gif", "video"), ("still.gif", "photo"),
    ("a.jpg", "photo"), ("folder", "photos"), ("camera:0", "camera"),
    ("blob", "video"), ("blob.jpg", "video"), ("text", "photo")])
def test_kinds_of_source(tmp_path, monkeypatch, src, kind):
    clips = pytest.importorskip("tests.media.video.clips")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("nothing")
    frames = [Image.new("L", (8, 8), level) for level in (0, 200)]
    frames[0].save("move.gif", save_all=True, append_images=frames[1:])
    frames[0].save("still.gif")
    for name in ("blob", "blob.jpg"):
        clips.make_clip(tmp_path / "clip.mkv", 2)
        (tmp_path / "clip.mkv").rename(name)
    with Source(src) as source:
        assert source.kind == kind
        if src.startswith("blob"):
            assert source.reader() is source.reader() and len(list(source.reader())) == 2


@pytest.mark.parametrize("src, more, words", [
    ("clip.mp4", ("--shard", "1/2"), "--shard is for folders of photos; clip.mp4 is a video"),
    ("clip.mp4", ("--bit-depth", "8"), "--bit-depth is for photos"),
    ("clip.mp4", ("--sheet", "s.png"), "--sheet is for photos"),
    ("clip.mp4", ("--no-fill",), "--no-fill is for photos"), ("a.jpg", ("--fps", "3"), "--fps is for videos and cameras"),
    ("a.jpg", ("--temporal",), "--temporal is for videos and cameras; a.jpg is one photo"),
    ("a.jpg", ("--countdown", "3"), "--countdown is for cameras"),
    ("a.jpg", ("--shard", "1/2"), "--shard is for folders of photos; a.jpg is one photo"),
    ("a.jpg", ("--format", "MP4"), "png, webp, tiff, jpg"), ("clip.mp4", ("--format", "avi"), "unknown format 'avi'"),
    ("camera:0", ("--temporal", "ofd"), "auto, flow"), ("camera:0", ("--video-format", "png"), "mp4, mov, webm"),
    ("a.jpg", ("--align", "of"), "Did you mean 'off'"), ("a.jpg", ("--fit", "stretch"), "resize, crop")])
def test_what_an_option_is_not_for(tmp_path, capsys, src, more, words):
    assert words in refuse(capsys, tmp_path / "out", "--src", src, "--bgr", "first:3", *more)


def test_a_video_without_its_background(tmp_path, capsys):
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
