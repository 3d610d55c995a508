"""Stage files: what builds on what, and one line for every key or value that cannot be used."""
from pathlib import Path

import pytest
import yaml

from training.config import DEFAULT, completed, differences, load_config
from utils.errors import UserError
from utils.files import PROJECT


def write(folder, name="stage.yml", **content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def message(path, overrides=None):
    with pytest.raises(UserError) as raised:
        load_config(path, overrides)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_an_empty_stage_is_the_default(tmp_path):
    (tmp_path / "stage.yml").write_text("# nothing\n")
    default = yaml.safe_load(DEFAULT.read_text())
    assert load_config(tmp_path / "stage.yml") == {**default, "save_dir": str(PROJECT / default["save_dir"])}


def test_paths_in_files_are_the_projects_and_those_of_flags_the_callers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, save_dir="log/a", pretrain="log/b", data_root="/data")
    config = load_config(path, {"pretrain": "mine.pth"})
    assert [config[key] for key in ("save_dir", "pretrain", "data_root")] == [str(PROJECT / "log/a"), "mine.pth", "/data"]
    assert load_config(path, {"pretrain": "starter"})["pretrain"] == "starter"


def test_nested_keys_replace_only_themselves(tmp_path):
    config = load_config(write(tmp_path, phases={"joint": {"rates": {"refiner": 7}}}))
    assert config["phases"]["joint"]["rates"] == {"backbone": 0.5, "aspp": 0.5, "decoder": 1.0, "refiner": 7.0}
    assert config["phases"]["joint"]["epochs"] == 1 and config["phases"]["base"]["epochs"] == 8


def test_bases_are_read_in_order_and_relative_to_the_file(tmp_path):
    write(tmp_path / "deep", "first.yml", _base_="../root.yml", seed=2, learning_rate=0.2)
    write(tmp_path, "root.yml", seed=1, backbone="resnet50", stream_length=11)
    write(tmp_path, "second.yml", learning_rate=0.3, augment={"jpeg": 0.5})
    config = load_config(write(tmp_path, _base_=["deep/first.yml", "second.yml"], augment={"noise": 0.0}))
    assert (config["backbone"], config["stream_length"], config["seed"], config["learning_rate"]) == (
        "resnet50", 11, 2, 0.3)
    assert config["augment"]["jpeg"] == 0.5 and config["augment"]["noise"] == 0 and config["augment"]["shadow"] == 0.3


def test_two_bases_may_share_one(tmp_path):
    write(tmp_path, "root.yml", seed=7)
    write(tmp_path, "a.yml", _base_="root.yml")
    write(tmp_path, "b.yml", _base_="root.yml")
    assert load_config(write(tmp_path, _base_=["a.yml", "b.yml"]))["seed"] == 7


def test_a_circle_of_bases(tmp_path):
    write(tmp_path, "a.yml", _base_="b.yml")
    write(tmp_path, "b.yml", _base_="a.yml")
    assert "builds on itself" in message(tmp_path / "a.yml")


def test_overrides_come_last_and_none_means_not_given(tmp_path):
    config = load_config(write(tmp_path, seed=5, backbone="resnet50"),
                         {"seed": 6, "backbone": None, "phases": {"base": {"batch_size": 3}}})
    assert (config["seed"], config["backbone"], config["phases"]["base"]["batch_size"]) == (6, "resnet50", 3)


def test_1e_4_is_a_number(tmp_path):
    (tmp_path / "stage.yml").write_text("learning_rate: 1e-4\nclip_norm: 1\n")
    config = load_config(tmp_path / "stage.yml")
    assert config["learning_rate"] == 0.0001 and config["clip_norm"] == 1.0 and type(config["clip_norm"]) is float


@pytest.mark.parametrize("content, words", [
    ({"learning_rat": 1}, "Did you mean 'learning_rate'?"),
    ({"phases": {"joint": {"rates": {"refinr": 1}}}}, "'phases.joint.rates.refinr'"),
    ({"phases": {"joint": {"rates": {"refinr": 1}}}}, "Did you mean 'refiner'?"),
    ({"phases": {"base": 3}}, "'phases.base' in"),
    ({"seed": "many"}, "'seed'"),
    ({"seed": True}, "of type int, not True"),
    ({"seed": 1.5}, "of type int, not 1.5"),
    ({"seed": None}, "of type int, not None"),
    ({"learning_rate": "fast"}, "of type float, not 'fast'"),
    ({"detach_error": 1}, "of type bool, not 1"),
    ({"dataset_name": ["a"]}, "of type str"),
    ({"data_root": 5}, "of type str, not 5"),
    ({"_base_": 5}, "'_base_'"),
    ({"_base_": "gone.yml"}, "gone.yml"),
    ({"ema": 1.0}, "'ema' must be below 1"),
    ({"ema": -0.5}, "'ema' must be 0 or more"),
    ({"amp": "O"}, "unknown amp 'O'"),
    ({"amp_dtype": "float8"}, "Did you mean 'float16'?"),
    ({"nonfinite_max": 0}, "'nonfinite_max' must be 1"),
    ({"schedule": "cosin"}, "Did you mean 'cosine'?"),
    ({"log_train_loss_interval": 0}, "'log_train_loss_interval' must be 1 or more, not 0"),
    ({"phases": {"base": {"batch_size": 0}}}, "'phases.base.batch_size' must be 1"),
    ({"phases": {"joint": {"epochs": -1}}}, "'phases.joint.epochs' must be 0"),
    ({"learning_rate": float("nan")}, "'learning_rate' must be 0 or more"),
    ({"phases": {"base": {"crop": [512, 256]}}}, "'phases.base.crop'"),
    ({"phases": {"joint": {"crop": [256]}}}, "'phases.joint.crop'"),
    ({"phases": {"joint": {"crop": [8, 256]}}}, "64 or more"),
])
def test_what_is_refused(tmp_path, content, words):
    assert words in message(write(tmp_path, **content))


def test_a_wrong_override_is_said_to_be_of_the_command_line(tmp_path):
    assert "in command line" in message(write(tmp_path), {"sed": 5})


@pytest.mark.parametrize("text, words", [("a: [1", "not valid YAML"), ("- 1\n- 2\n", "keys and values"),
                                         ("5", "keys and values")])
def test_files_that_are_no_stage(tmp_path, text, words):
    (tmp_path / "stage.yml").write_text(text)
    assert words in message(tmp_path / "stage.yml")


def test_missing_file(tmp_path):
    assert "no such config file" in message(tmp_path / "gone.yml")
    assert "no such config file" in message(tmp_path)


def test_the_stages_of_this_project_load():
    stages = {path.name for path in (PROJECT / "configs").glob("*.yml")} - {"datasets.yml", "sample.yml"}
    assert {"default.yml", "stage1.yml", "stage2.yml", "stage3.yml"} <= stages
    configs = {name: load_config(PROJECT / "configs" / name) for name in stages}
    rates = [configs[f"stage{number}.yml"]["learning_rate"] for number in (1, 2, 3)]
    assert rates == [1e-4, 5e-5, 3e-5]
    assert [configs[f"stage{n}.yml"]["phases"]["base"]["epochs"] for n in (1, 2, 3)] == [8, 0, 0]
    assert configs["stage2.yml"]["pretrain"] == configs["stage1.yml"]["save_dir"] + "/best_model"
    assert configs["stage3.yml"]["pretrain"] == configs["stage2.yml"]["save_dir"] + "/best_model"


def test_the_steps_of_the_starter_weights_load_and_follow_each_other():
    steps = sorted((PROJECT / "configs" / "starter").glob("*.yml"))
    configs = [load_config(step) for step in steps]
    assert [step.stem for step in steps] == [Path(config["save_dir"]).name for config in configs]
    script = (PROJECT / "configs" / "starter" / "make.sh").read_text()
    made = {"1_base"}
    for step, config in zip(steps[1:], configs[1:]):
        assert Path(config["pretrain"]).stem in made | {"3_average", "5_average"}, step
        assert f"train {step.stem}" in script
        made.add(step.stem)


def test_a_configuration_of_an_earlier_version_has_later_keys_at_their_defaults():
    old = load_config(DEFAULT, {"seed": 7, "phases": {"base": {"batch_size": 3}}})
    whole = load_config(DEFAULT, {"seed": 7, "phases": {"base": {"batch_size": 3}}})
    del old["ema"], old["amp"], old["phases"]["base"]["size"]
    kept = completed(old)
    assert {**kept, "save_dir": ""} == {**whole, "save_dir": ""}


def test_differences():
    old = {"seed": 1, "a": {"b": 1, "c": [1, 2]}, "gone": 0}
    new = {"seed": 2, "a": {"b": 1, "c": [1, 3]}, "new": None}
    assert differences(old, new) == ["a.c: [1, 2], now [1, 3]", "gone: 0, now None", "seed: 1, now 2"]
    assert differences(old, old) == []
