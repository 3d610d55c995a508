"""Stage files: what builds on what, and one line for every key or value that cannot be used."""

import pytest
import yaml

from bgmatting.training.config import DEFAULT, completed, differences, load_config
from bgmatting.training.config.rules import RULES, checked
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT


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


def test_bases_are_relative_to_the_file_and_the_first_wins(tmp_path):
    write(tmp_path / "deep", "first.yml", _base_="../root.yml", seed=2, learning_rate=0.2)
    write(tmp_path, "root.yml", seed=1, backbone="resnet50", stream_length=11)
    write(tmp_path, "second.yml", learning_rate=0.3, augment={"jpeg": 0.5})
    config = load_config(write(tmp_path, _base_=["deep/first.yml", "second.yml"], augment={"noise": 0.0}))
    assert (config["backbone"], config["stream_length"], config["seed"], config["learning_rate"]) == (
        "resnet50", 11, 2, 0.2)
    assert config["augment"]["jpeg"] == 0.5 and config["augment"]["noise"] == 0 and config["augment"]["shadow"] == 0.3


def test_overrides_come_last_and_none_means_not_given(tmp_path):
    config = load_config(write(tmp_path, seed=5, backbone="resnet50"),
                         {"seed": 6, "backbone": None, "phases": {"base": {"batch_size": 3}}})
    assert (config["seed"], config["backbone"], config["phases"]["base"]["batch_size"]) == (6, "resnet50", 3)


@pytest.mark.parametrize("content, words", [
    ({"learning_rat": 1}, "Did you mean 'learning_rate'?"),
    ({"phases": {"joint": {"rates": {"refinr": 1}}}}, "Did you mean 'refiner'?"),
    ({"phases": {"base": 3}}, "'phases.base' in"), ({"_base_": 5}, "'_base_'"), ({"_base_": "gone.yml"}, "gone.yml"),
    ({"amp_dtype": "float8"}, "Did you mean 'float16'?"), ({"schedule": "cosin"}, "Did you mean 'cosine'?"),
    ({"seed": 1.5}, "1.5"), ({"seed": None}, "None"), ({"learning_rate": "fast"}, "'fast'"), ({"ema": 1.0}, "1.0"),
    ({"detach_error": 1}, "true or false"), ({"data_root": 5}, "text or null"), ({"amp": "O"}, "null, O1, O2"),
    ({"phases": {"base": {"crop": [512, 256]}}}, "'phases.base.crop'"), ({"phases": {"joint": {"crop": [256]}}}, "[256]"),
    ({"phases": {"joint": {"crop": [8, 256]}}}, "from 64 to 16384, the smaller first, not [8, 256].")])
def test_what_is_refused(tmp_path, content, words):
    said = message(write(tmp_path, **content))
    assert words in said and str(tmp_path) in said and len(said) < 400 + len(str(tmp_path))
    while isinstance(content, dict) and words != "gone.yml":  # the key is named, with all its sections
        key, content = next(iter(content.items()))
        assert key in said


@pytest.mark.parametrize("text", [
    "a: [1", "- 1\n- 2\n", "5", "a: &a [*a]", "a: &a {b: *a}", "a: " + "[" * 50_000, "# " + "x" * (6 << 20),
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")),
    "a: &a {x: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [{', '.join(['*a'] * 50)}]}}\n" for n in range(900)),
    "".join(f"k{n}: 1\n" for n in range(30_000)), "\0\1\2", "a:\n\t- b", "? [a]\n: b", "_base_: stage.yml",
    "_base_: " + str(["stage.yml"] * 5000), "seed: !!python/object/apply:os.getcwd []", "seed: 2021-01-01"])
def test_files_that_are_no_stage_or_meant_to_do_harm(tmp_path, text):
    (tmp_path / "stage.yml").write_text(text)
    assert len(message(tmp_path / "stage.yml")) < 500 + 2 * len(str(tmp_path))


def test_missing_file(tmp_path):
    assert "no such configuration" in message(tmp_path / "gone.yml")
    assert "no such configuration" in message(tmp_path)


def test_the_stages_of_this_project_load():
    stages = {path.name for path in (PROJECT / "configs").glob("*.yml")} - {"datasets.yml", "sample.yml"}
    assert {"default.yml", "stage1.yml", "stage2.yml", "stage3.yml"} <= stages
    configs = {name: load_config(PROJECT / "configs" / name) for name in stages}
    rates = [configs[f"stage{number}.yml"]["learning_rate"] for number in (1, 2, 3)]
    assert rates == [1e-4, 5e-5, 3e-5]
    assert [configs[f"stage{n}.yml"]["phases"]["base"]["epochs"] for n in (1, 2, 3)] == [8, 0, 0]
    assert configs["stage2.yml"]["pretrain"] == configs["stage1.yml"]["save_dir"] + "/best_model"
    assert configs["stage3.yml"]["pretrain"] == configs["stage2.yml"]["save_dir"] + "/best_model"


def test_a_configuration_of_an_earlier_version_has_later_keys_at_their_defaults():
    old = load_config(DEFAULT, {"seed": 7, "phases": {"base": {"batch_size": 3}}})
    whole = load_config(DEFAULT, {"seed": 7, "phases": {"base": {"batch_size": 3}}})
    del old["ema"], old["amp"], old["phases"]["base"]["size"]
    kept = completed(old)
    assert {**kept, "save_dir": ""} == {**whole, "save_dir": ""}


def keys(section, prefix=""):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_every_key_has_a_rule_and_a_default_that_it_allows():
    defaults = yaml.safe_load(DEFAULT.read_text())
    assert set(keys(defaults)) == set(keys(RULES))
    assert load_config(DEFAULT) == {**defaults, "save_dir": str(PROJECT / defaults["save_dir"])}


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), -1, -0.5, 10 ** 30, "x" * 5000, [], {"a": 1}, True, "",
                                 [[]] * 9])
def test_every_key_refuses_what_it_cannot_be_in_one_short_line(bad):
    for key in keys(RULES):
        rule = RULES
        for part in key.split("."):
            rule = rule[part]
        if bad is True and rule.allowed == "true or false" or bad == [] and rule.allowed.startswith("a list of "):
            continue
        with pytest.raises(ValueError, match=f"'{key}'.*stage.yml") as raised:
            checked(bad, rule, key, "stage.yml")
        assert len(str(raised.value)) < 300 and "\n" not in str(raised.value)


def test_files_that_multiply_are_bounded(tmp_path):
    for number in range(19):
        write(tmp_path, f"{number}.yml", _base_=[f"{number + 1}.yml"] * 2)
    write(tmp_path, "19.yml", seed=1)
    assert "more than 100 files" in message(tmp_path / "0.yml")
    for number in range(30):
        write(tmp_path, f"{number}.yml", _base_=f"{number + 1}.yml")
    assert "more than 20 levels" in message(tmp_path / "0.yml")


def test_a_checkpoints_configuration_is_checked_like_any():
    with pytest.raises(UserError, match="'ema'"):
        completed({"ema": float("inf")})
    with pytest.raises(UserError, match="'emma'.*'ema'"):
        completed({"emma": 0.5})


def test_differences():
    old = {"seed": 1, "a": {"b": 1, "c": [1, 2]}, "gone": 0}
    new = {"seed": 2, "a": {"b": 1, "c": [1, 3]}, "new": None}
    assert differences(old, new) == ["a.c: [1, 2], now [1, 3]", "gone: 0, now None", "seed: 1, now 2"]
    assert differences(old, old) == []
