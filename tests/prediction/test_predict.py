"""predict.py as a command: its flags, the sample pair, and which kind of source goes where."""
import os
import subprocess
import sys

import pytest
from PIL import Image

from bgmatting.commands import predict
from bgmatting.media import read_image
from bgmatting.prediction import core
from bgmatting.prediction.options import PHOTO, checked, options_of
from bgmatting.prediction.source import Source
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from tests.media.video.clips import make_clip
from tests.prediction.command import files, refuse, run

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.mark.parametrize("wrong", [{"crop": 10 ** 30}, {"crop": 1.5}, {"crop": "x"}, {"crop": True}, {"backbone_scale": "x"},
                                   {"max_memory": "x"}])
def test_numbers_that_are_none_or_beyond_their_range(wrong):
    with pytest.raises(UserError):
        checked(options_of({"src": "me.png", "bgr": "room.png", **wrong}), PHOTO)


def test_without_arguments_the_sample_pair_goes_into_image():
    args = predict.parse([])
    source, options = core.settled(None, options_of(vars(args)))
    assert read_image(source.name).shape == read_image(options.bgr).shape == (960, 1280, 3)
    assert args.output == PROJECT / "image" and args.type is None and not args.overwrite and options.overwrite


def test_the_sample_pair_can_be_done_again(tmp_path):
    for _ in range(2):
        assert run("--output", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["src_com.png", "src_pha.png"]


def test_src_bgr_and_types_by_their_place(photos, capsys):
    assert run(photos / "src.png", photos / "bgr.png", "alp", "fgr", "--output", photos / "out") == 0
    assert files(photos / "out") == ["src_fgr.png", "src_pha.png"]
    with pytest.raises(SystemExit):
        predict.parse(["a.jpg", "--src", "b.jpg"])
    assert "given twice" in capsys.readouterr().err


@pytest.mark.parametrize("flag, own", [
    ("--model-backbone", "--weights"), ("--model_type", "--weights"), ("--pretrained_model", "--weights"),
    ("--images-src", "--src"), ("--output-types", "--type"), ("--wieghts", "--weights")])
def test_flags_of_other_programs_are_translated(capsys, flag, own):
    with pytest.raises(SystemExit):
        predict.parse([flag, "x"])
    assert own in capsys.readouterr().err


@pytest.mark.parametrize("src, kind", [
    ("clip.mp4", "video"), ("rtsp://localhost/x", "video"), ("move.gif", "video"), ("still.gif", "photo"),
    ("a.jpg", "photo"), ("folder", "photos"), ("camera:0", "camera"),
    ("blob", "video"), ("blob.jpg", "video"), ("text", "photo")])
def test_kinds_of_source(tmp_path, monkeypatch, src, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("nothing")
    frames = [Image.new("L", (8, 8), level) for level in (0, 200)]
    frames[0].save("move.gif", save_all=True, append_images=frames[1:])
    frames[0].save("still.gif")
    for name in ("blob", "blob.jpg"):
        make_clip(tmp_path / "clip.mkv", 2)
        (tmp_path / "clip.mkv").rename(name)
    with Source(src) as source:
        assert source.kind == kind
        if src.startswith("blob"):
            assert source.reader() is source.reader() and len(list(source.reader())) == 2


@pytest.mark.parametrize("src, more", [
    ("clip.mp4", "--shard 1/2"), ("clip.mp4", "--bit-depth 8"), ("clip.mp4", "--sheet s.png"), ("clip.mp4", "--no-fill"),
    ("clip.mp4", "--format avi"), ("clip.mp4", "--fps -1"), ("clip.mp4", "--fps nan"), ("clip.mp4", "--fps inf"),
    ("a.jpg", "--fps 3"), ("a.jpg", "--temporal"), ("a.jpg", "--countdown 3"), ("a.jpg", "--shard 1/2"),
    ("a.jpg", "--format MP4"), ("a.jpg", "--align of"), ("a.jpg", "--fit stretch"), ("a.jpg", "--sample-pixels -16"),
    ("camera:0", "--temporal ofd"), ("camera:0", "--video-format png")])
def test_what_an_option_is_not_for(tmp_path, capsys, src, more):
    flag = more.split()[0].replace("--video-format", "--format").replace("--temporal", "temporal").lstrip("-")
    assert flag in refuse(capsys, tmp_path / "out", "--src", src, "--bgr", "first:3", *more.split())


def test_the_command_itself_from_another_folder(tmp_path):
    script = os.path.join(PROJECT, "predict.py")
    result = subprocess.run([sys.executable, script, "--src", "no.jpg", "--bgr", "no.jpg"], cwd=tmp_path,
                            capture_output=True, text=True)
    assert result.returncode == 2 and "no.jpg" in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
