"""val.py, and eval.py with weights of several methods: one table that says what each was given."""
import json
from collections import namedtuple

import numpy as np
import paddle
import pytest

from bgmatting.commands import eval as eval_script
from bgmatting.commands import val as val_script
from bgmatting.evaluation.metrics import mse, sad
from bgmatting.media import read_gray, read_image, read_rgba, write_image
from bgmatting.media.operations import blend
from bgmatting.model import Matter
from bgmatting.model.methods import find_method
from bgmatting.model.modnet.network import MODNet
from bgmatting.model.weights import save_weights
from bgmatting.training.config import load_config
from bgmatting.training.start import catalog_of
from bgmatting.utils.cli import run_main

Matte = namedtuple("Matte", "pha fgr err ref")


class FakeMatter:
    """The starter weights: answers with brightness for alpha."""

    method = find_method("background")
    settings = {"weights": "fake", "sha256": "0" * 64, "device": "cpu"}

    def predict(self, src, bgr, want=None):
        pha = src.mean(axis=2, dtype=np.float32) / 255
        return Matte(pha, src.astype(np.float32) / 255, None, None)


@pytest.fixture(scope="module")
def network():
    paddle.seed(4)
    network = MODNet("mobilenetv2")
    network.eval()
    return network


@pytest.fixture
def data(tmp_path, network):
    """The folder of PPM-100 with a photo, of PhotoMatte85 with one cut-out, of backgrounds, and a weights file."""
    rng, pha = np.random.default_rng(0), np.zeros((40, 60), np.uint8)
    pha[10:, 20:45] = 255
    pha[8:10, 20:45] = 100
    write_image(tmp_path / "PPM-100" / "val" / "fg" / "val_a.png", rng.integers(0, 255, (40, 60, 3), np.uint8))
    write_image(tmp_path / "PPM-100" / "val" / "alpha" / "val_a.png", pha)
    (tmp_path / "PPM-100" / "val.txt").write_text("val/fg/val_a.png\n")
    write_image(tmp_path / "PhotoMatte85" / "one.png", np.dstack([np.full((40, 60, 3), 220, np.uint8), pha]))
    for number in range(6):
        write_image(tmp_path / "Backgrounds" / "test" / f"{number}.png", rng.integers(0, 90, (50, 70, 3), np.uint8))
    save_weights(network, tmp_path / "modnet.safetensors", {"method": "modnet", "backbone": "mobilenetv2"})
    (tmp_path / "stage.yml").write_text(f"method: modnet\ndataset_name: PPM100\ndata_root: {tmp_path}\n"
                                        f"save_dir: {tmp_path}/run\n")
    return tmp_path


@pytest.fixture(autouse=True)
def no_starter(monkeypatch):
    """Weights of methods of one photo are run as they are, in Paddle as what they are compared with."""
    monkeypatch.setattr("bgmatting.model.Matter", lambda file, **options: FakeMatter() if file in (None, "starter") else
                        Matter(file, **{**options, "backend": "paddle"}))


def call(script, *arguments):
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, [str(argument) for argument in arguments])
    return ended.value.code


@pytest.mark.slow
def test_paddleseg_s_line_measures_what_its_table_does(data, network, capsys):
    assert call(val_script, "--config", data / "stage.yml", "--model_path", data / "modnet.safetensors", "--save_dir",
                data / "out", "--num_workers", "0", "--metrics", "sad", "mse") == 0
    said = capsys.readouterr().out
    facts = json.loads((data / "out" / "results.json").read_text())
    assert facts["protocol"]["name"] == "paddleseg" and facts["dataset"] == "PPM100" and facts["split"] == "valid"
    assert set(facts["methods"]) == {"network"} and facts["methods"]["network"]["settings"]["given"] == "src alone"
    row, = facts["methods"]["network"]["images"]
    photo = read_image(data / "PPM-100" / "val" / "fg" / "val_a.png")
    pha = (find_method("modnet").matted(network, photo) * 255 + 0.5).astype(np.uint8)
    true = read_gray(data / "PPM-100" / "val" / "alpha" / "val_a.png")
    assert (row["sad"], row["mse"]) == (sad(pha, true), mse(pha, true)) and row["sad"] > 0
    theirs = said[said.index("published by others, not measured here:"):].splitlines()[1:4]
    assert [text.split()[1:] for text in theirs] == [
        ["MODNet-MobileNetV2", "112.730", "0.0098"], ["MODNet-ResNet50_vd", "104.140", "0.0090"],
        ["MODNet-HRNet_W18", "77.960", "0.0054"]] and "keying" not in said
    page = (data / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("published by others, not measured here") == 3 and "112.730" in page


@pytest.mark.slow
def test_trimaps_of_a_list_are_given_and_say_where_errors_count(data):
    """As PaddleSeg's Matting evaluates DIM: the third word of a line is the method's trimap, its unknown region counts."""
    paddle.seed(5)
    network = find_method("dim").build("vgg16")
    network.eval()
    save_weights(network, data / "dim.safetensors", {"method": "dim", "backbone": "vgg16"})
    (data / "dim.yml").write_text(f"method: dim\nbackbone: vgg16\ndataset_name: PPM100\ndata_root: {data}\n"
                                  f"save_dir: {data}/run\n")
    trimap = np.full((40, 60), 0, np.uint8)
    trimap[:, 10:30], trimap[:, 30:] = 128, 255
    write_image(data / "PPM-100" / "val" / "trimap" / "val_a.png", trimap)
    write_image(data / "PPM-100" / "bg" / "room.png", np.full((50, 70, 3), (90, 60, 30), np.uint8))
    (data / "PPM-100" / "val.txt").write_text("val/fg/val_a.png bg/room.png val/trimap/val_a.png\n")
    assert call(val_script, "--config", data / "dim.yml", "--model_path", data / "dim.safetensors", "--save_dir",
                data / "out", "--num_workers", "0", "--save_results") == 0
    facts = json.loads((data / "out" / "results.json").read_text())
    row, = facts["methods"]["network"]["images"]
    photo, true = (read(data / "PPM-100" / "val" / part / "val_a.png") for read, part in ((read_image, "fg"),
                                                                                      (read_gray, "alpha")))
    photo = blend(photo, true, np.full((40, 60, 3), (90, 60, 30), np.uint8))
    pha = (find_method("dim").matted(network, photo, trimap) * 255 + 0.5).astype(np.uint8)
    assert (row["sad"], row["mse"]) == (sad(pha, true, trimap), mse(pha, true, trimap))
    kept = read_gray(data / "out" / "mattes" / "network" / "val_a.png")
    assert np.array_equal(kept, pha)


@pytest.mark.slow
def test_one_table_says_what_each_method_was_given(data, capsys):
    assert call(eval_script, "--data-root", data, "--weights", "starter", data / "modnet.safetensors", "--size", "64",
                "--output", data / "out", "--workers", "0") == 0
    assert "given: starter src and bgr; modnet src alone; keying src and bgr" in capsys.readouterr().out
    facts = json.loads((data / "out" / "results.json").read_text())
    assert list(facts["methods"]) == ["starter", "modnet", "keying"]
    assert facts["methods"]["modnet"]["mean"]["fg_mse"] is None and facts["methods"]["starter"]["mean"]["fg_mse"] > 0
    page = (data / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("<td>src and bgr</td>") == 2 and page.count("<td>src alone</td>") == 1
    assert '<th scope="col">given</th>' in page and "published by others" not in page


@pytest.mark.parametrize("flags, words", [
    (["--method", "modnett"], "'modnet'"),
    (["--method", "dim"], "dim"),
    (["--baselines", "keying"], "keying"),
    (["--export-set", "bench"], "--export-set"),
    (["--size", "64"], "--size"),
    (["--no-disturb"], "--no-disturb"),
    (["--sequences"], "--sequences"),
    (["--seed", "0"], "--seed"),
    (["--backgrounds-each", "5"], "--backgrounds-each"),
    (["--background-dir", "rooms"], "--background-dir"),
    (["--method", "background"], "modnet"),
    (["--method", "background", "--weights", "starter"], "val_a"),
])
def test_what_cannot_be_is_one_line(data, capsys, flags, words):
    assert call(eval_script, "--data-root", data, "--protocol", "paddleseg", "--weights", data / "modnet.safetensors",
                "--output", data / "out", "--workers", "0", *flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and words in error


def test_a_set_that_is_composed_takes_its_flags_under_every_protocol(data, capsys):
    assert call(eval_script, "--data-root", data, "--protocol", "paddleseg", "--dataset-name", "PhotoMatte85", "--weights",
                "starter", "--background-dir", data / "Backgrounds", "--backgrounds-each", "2", "--seed", "3",
                "--no-baseline", "--workers", "0", "--output", data / "out") == 0
    facts = json.loads((data / "out" / "results.json").read_text())
    assert (facts["seed"], facts["backgrounds_each"], facts["count"]) == (3, 2, 2)


@pytest.mark.parametrize("background", ("own", "catalogue"))
def test_folders_of_a_configuration_are_measured_as_they_are_trained(data, background):
    """What train.py opens by these lines: val.py has the validation part of the same folders."""
    cut = read_rgba(data / "PhotoMatte85" / "one.png")
    for name in ("two", "three"):
        write_image(data / "mine" / f"{name}.png", np.dstack(cut))
    write_image(data / "rooms" / "room.png", np.full((50, 70, 3), 30, np.uint8))
    own = background == "own"
    for number in range(6):
        write_image(data / "Backgrounds" / "val" / f"{number}.png", np.full((50, 70, 3), 30, np.uint8))
    folders = {"fgr": data / "PhotoMatte85", "valid_fgr": data / "mine"}
    folders.update({"bgr": data / "Backgrounds", "valid_bgr": data / "rooms"} if own else {})
    lines = ["dataset_name: own", f"background_name: {'own backgrounds' if own else 'Backgrounds'}", f"data_root: {data}",
             "folders:", *(f"  {key}: {path}" for key, path in folders.items())]
    (data / "own.yml").write_text("\n".join(lines))
    config = load_config(data / "own.yml")
    names = catalog_of(config).pairs(config["dataset_name"], "valid").names
    assert call(val_script, "--config", data / "own.yml", "--model_path", "starter", "--save_dir", data / "out",
                "--num_workers", "0", "--", "--no-baseline") == 0
    facts = json.loads((data / "out" / "results.json").read_text())
    rows = facts["methods"]["network"]["images"]
    assert [row["name"] for row in rows] == list(names) == ["three", "two"] and all(row["sad"] > 0 for row in rows)
    assert facts["dataset"] == "own" and not facts["sample_data"]


def test_a_stage_of_two_photos_is_measured_by_eval_s_own_protocol(data, tmp_path):
    path = tmp_path / "two.yml"
    path.write_text(f"dataset_name: PhotoMatte85\ndata_root: {data}\nsave_dir: {data}\n")
    config = load_config(path)
    words = val_script.words_of(val_script.parse(["--config", str(path), "--device", "cpu", "--", "--limit", "1"]), config)
    assert words == ["--method", "background", "--weights", str(data), "--output", "log/eval", "--dataset-name",
                     "PhotoMatte85", "--background-name", "Backgrounds", "--split", "valid", "--data-root", str(data),
                     "--device", "cpu", "--limit", "1"]
    args = val_script.parse(["--config", str(path), "--data_root", "mine", "--device", "gpu:1"])
    words = val_script.words_of(args, config)
    told = dict(zip(words, words[1:]))  # folder and device of the command line win
    assert (told["--data-root"], told["--device"]) == ("mine", "gpu:1") and words.count("--data-root") == 1
