"""Which method mattes a command line: by what is given, by the weights, by the configuration; and what is refused."""
import importlib.util

import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import write_image
from bgmatting.model.weights import places
from bgmatting.prediction import core
from bgmatting.prediction.network_choice import method_of_config, open_matter
from bgmatting.prediction.options import options_of
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from tests.prediction.command import refuse
from tests.prediction.weights import write_weights


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """photos and weights files; the place where weights are looked for is tmp_path/place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "PLACE", tmp_path / "place")
    for name in ("me.png", "room.png", "tri.png"):
        write_image(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    for kind in ("background", "modnet", "dim", "modnet-hrnet"):
        write_weights(tmp_path / f"{kind}.safetensors", kind)
    return tmp_path


def chosen(line):
    return core.settled(None, options_of(vars(predict.parse(line.split()))))[1]


def said(line):
    with pytest.raises(UserError) as error:
        chosen(line)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("line, method, weights, needs", [
    ("", "background", None, "bgr"), ("--src me.png --bgr room.png", "background", None, "bgr"),
    ("--src camera:0", "background", None, "bgr"), ("--src camera:0 --bgr room.png", "background", None, "bgr"),
    ("--src me.png --weights modnet.safetensors --type pha", "modnet", "modnet.safetensors", None),
    ("--src clip.mp4 --model_path modnet.safetensors --type pha", "modnet", "modnet.safetensors", None),
    ("--src camera:0 --weights modnet.safetensors --type pha", "modnet", "modnet.safetensors", None),
    ("--weights modnet.safetensors --type pha", "modnet", "modnet.safetensors", None),
    ("--src me.png --trimap tri.png --weights dim.safetensors --type pha", "dim", "dim.safetensors", "trimap"),
    ("--image_path me.png --trimap_path tri.png --model_path dim.safetensors --save_dir o --type pha", "dim",
     "dim.safetensors", "trimap"),
    ("--src me.png --bgr room.png --trimap auto --weights dim.safetensors", "dim", "dim.safetensors", "bgr"),
    ("--trimap auto --weights dim.safetensors", "dim", "dim.safetensors", "bgr"),
    ("--src me.png --trimap auto --weights dim.safetensors --trimap-weights modnet.safetensors --type pha", "dim",
     "dim.safetensors", None)])
def test_the_method(line, method, weights, needs):
    options = chosen(line)
    first = options.choice.first and (options.choice.first.method.name, options.choice.first.weights)
    assert first == (None if "auto" not in line else ("background", None) if needs else ("modnet", "modnet.safetensors"))
    assert (options.choice.method.name, options.choice.weights, options.needs) == (method, weights, needs)
    assert (options.bgr is not None) == (needs == "bgr" and line != "--src camera:0")
    if not line or line.startswith(("--weights", "--trimap")):
        assert options.src.endswith("sample/src.jpg")


def test_int8_is_for_the_network_that_makes_the_trimap(monkeypatch):
    asked = []
    monkeypatch.setattr("bgmatting.model.Matter", lambda weights, precision, **_: asked.append((weights, precision)))
    monkeypatch.setattr("bgmatting.model.inference.trimap.AutoTrimap", lambda first, second: None)
    for precision in ("int8", "fp32"):
        open_matter(chosen(f"--src me.png --bgr room.png --trimap auto --weights dim.safetensors --precision {precision}"))
    assert asked == [(None, "int8"), ("dim.safetensors", "auto"), (None, "fp32"), ("dim.safetensors", "fp32")]


def test_weights_at_their_place(home):
    first = write_weights(home / "place" / "modnet-hrnet_w18.safetensors", "modnet-hrnet")
    assert chosen("--src me.png --type pha").choice.weights == first
    better = write_weights(home / "place" / "modnet-mobilenetv2.safetensors", "modnet")
    assert chosen("--src me.png --type pha").choice.weights == better
    (home / "hr.yml").write_text("method: modnet\nbackbone: hrnet_w18\n")
    assert chosen("--src me.png --type pha --config hr.yml").choice.weights == first
    dim = write_weights(home / "place" / "dim-vgg16.safetensors", "dim")
    options = chosen("--src me.png --trimap auto --type pha")
    assert (options.choice.weights, options.choice.first.weights) == (dim, better)


@pytest.mark.parametrize("line, file", [
    ("--src me.png", "modnet-mobilenetv2"), ("--src clip.mp4", "modnet-mobilenetv2"),
    ("--src me.png --trimap tri.png", "dim-vgg16"), ("--src me.png --trimap auto", "dim-vgg16"),
    ("--src me.png --trimap auto --weights dim.safetensors", "modnet-mobilenetv2"),
    ("--src me.png --config net.yml", "modnet-resnet50_vd")])
def test_missing_weights_are_said_in_two_lines(home, capsys, line, file):
    (home / "net.yml").write_text("method: modnet\nbackbone: resnet50_vd\n")
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [*line.split(), "--output", "out"])
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and len(lines) == 2 and not (home / "out").exists()
    assert f"{file}.pdparams" in lines[1] and f"fetch {file}" in lines[1] and str(home / "place") in lines[1]


@pytest.mark.parametrize("line, named", [
    ("--src me.png --bgr room.png --weights modnet.safetensors", "--bgr"),
    ("--src me.png --weights background.safetensors", "--bgr"),
    ("--src clip.mp4 --weights background.safetensors", "first:N"), ("--src me.png --weights dim.safetensors", "--trimap"),
    ("--src me.png --bgr room.png --weights dim.safetensors", "--trimap"), ("--weights dim.safetensors", "--trimap"),
    ("--src me.png --trimap tri.png --weights modnet.safetensors", "--trimap"),
    ("--src me.png --trimap tri.png --bgr room.png --weights dim.safetensors", "--bgr"),
    ("--src clip.mp4 --trimap tri.png --weights dim.safetensors", "clip.mp4"),
    ("--trimap tri.png --weights dim.safetensors", "--src"), ("--bgr room.png", "--src"),
    ("--src camera:0 --bgr room.png --weights modnet.safetensors", "--bgr"),
    ("--src me.png --bgr room.png --trimap-weights modnet.safetensors", "--trimap auto"),
    ("--src me.png --trimap tri.png --weights dim.safetensors --trimap-weights modnet.safetensors", "--trimap auto"),
    ("--src me.png --bgr room.png --trimap auto --weights dim.safetensors --trimap-weights modnet.safetensors", "modnet"),
    ("--src me.png --weights me.png", "me.png"), ("--src me.png --weights gone.pdparams", "gone.pdparams"),
    ("--src me.png --weights modnet.safetensors --type err", "err"),
    ("--src me.png --bgr room.png --trimap auto --weights dim.safetensors --type ref", "ref"),
    ("--src clip.mp4 --bgr room.png --temporal on_", "on_"), ("--src me.png --config gone.yml", "gone.yml"),
    ("--src me.png --config me.png", "me.png")])
def test_what_does_not_go_together(line, named):
    assert named in said(line)


@pytest.mark.parametrize("content, named", [
    ("method: modnets", "'modnet'"), ("method: [1]", "c.yml"), ("backbone: 3", "c.yml"), ("- 1", "c.yml"), ("a: [", "c.yml"),
    ("_base_: c.yml", "c.yml"), ("_base_: none.yml", "none.yml"), ("method: dim", "--trimap"),
    ("method: background", "--bgr"), ("method: modnet\nbackbone: hrnet_w18", "mobilenetv2")])
def test_a_configuration_that_cannot_be(home, content, named):
    (home / "c.yml").write_text(content)
    weights = " --weights modnet.safetensors" if "hrnet" in content else ""
    assert named in said(f"--src me.png --type pha --config c.yml{weights}")


def test_a_configuration_builds_on_others_and_the_first_wins(home):
    (home / "base.yml").write_text("method: modnet\nbackbone: mobilenetv2\nbatch_size: 16\n")
    (home / "own.yml").write_text("_base_: base.yml\nbackbone: hrnet_w18\n")
    assert method_of_config(home / "own.yml") == ("modnet", "hrnet_w18")
    assert method_of_config(home / "base.yml") == ("modnet", "mobilenetv2") and method_of_config(None) == (None, None)
    (home / "other.yml").write_text("method: dim\nbackbone: vgg16\n")
    (home / "two.yml").write_text("_base_: [base.yml, other.yml]\n")
    assert method_of_config(home / "two.yml") == ("modnet", "mobilenetv2")  # as PaddleSeg reads a list of bases
    (home / "plain.yml").write_text("batch_size: 16\n")
    assert method_of_config(home / "plain.yml") == (None, None)


def test_without_pymatting_it_is_said_before_any_work(home, monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pymatting" else real(name))
    line = refuse(capsys, home / "out", "--src", "me.png", "--weights", "modnet.safetensors")
    assert "pip install pymatting" in line and "--type pha" in line
    assert chosen("--src me.png --weights modnet.safetensors --type pha").choice.method.name == "modnet"
    assert chosen("--src me.png --bgr room.png --trimap auto --weights dim.safetensors").choice.method.name == "dim"
