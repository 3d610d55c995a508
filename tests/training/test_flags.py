"""The command line of train.py: which stage, which weights, and other programs' words."""
import pytest

from bgmatting.commands import train
from bgmatting.training.config import flags, load_config
from bgmatting.training.config.flags import command_of, found_weights, settings_of, stage_of
from bgmatting.training.schedule import plan
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from tests.training.runs import fails


@pytest.mark.parametrize("name, number", [
    ("videomatte240k", 1), ("VideoMatte240K_JPEG_SD", 1), ("Video-Matte-240K", 1), ("Distinctions646", 2),
    ("distinctions-646", 2), ("Distinctions646_person", 2), ("distinction", 2), ("private", 3), ("my private set", 3)])
def test_a_set_names_its_stage(name, number):
    assert stage_of(name) == PROJECT / "configs" / f"stage{number}.yml"


@pytest.mark.parametrize("name, words", [(None, "which stage"), ("PhotoMatte85", "for the set 'PhotoMatte85'.*stage3.yml.$"),
                                         ("videomate240k", r"stage3.yml\. Did you mean 'videomatte240k'\?$")])
def test_no_stage(name, words):
    with pytest.raises(UserError, match=words):
        stage_of(name)


def test_the_first_seeds_line():
    line = "--dataset-name videomatte240k --learning-rate 1e-4 --log-train-loss-interval 100 --epoch_end 1"
    name, overrides = settings_of(train.parse(line.split()))
    assert name == PROJECT / "configs" / "stage1.yml"
    given = {key: value for key, value in overrides.items() if value is not None}
    assert given == {"dataset_name": "videomatte240k", "learning_rate": 1e-4, "log_train_loss_interval": 100}


def test_words_of_other_programs():
    line = ("--config a.yml --do_eval --use_vdl --save_interval 5000 --num_workers 5 --save_dir output --batch_size 4 "
            "--log_iters 10 --keep_checkpoint_max 3 --data_path d")
    name, overrides = settings_of(train.parse(line.split()))
    given = {key: value for key, value in overrides.items() if value is not None}
    assert name == "a.yml" and given == {
        "checkpoint_interval": 5000, "num_workers": 5, "save_dir": "output", "log_train_loss_interval": 10,
        "keep_checkpoint_max": 3, "data_root": "d",
        "phases": {name: {"batch_size": 4} for name in ("base", "joint", "whole")}}
    assert settings_of(train.parse(["--config", "a.yml", "--batch-size", "auto"]))[1]["batch_auto"] is True


def test_a_flag_that_means_nothing_here():
    with pytest.raises(UserError, match="^--resume-model"):
        settings_of(train.parse(["--config", "a.yml", "--resume_model", "5"]))


@pytest.mark.parametrize("epochs", ["--epoch-end", "--epochs"])
def test_a_run_ends_by_iterations_or_by_epochs(stage, capsys, epochs):
    assert "--iterations and --epoch-end" in fails(capsys, stage(), "--iterations", "10", epochs, "3")
    assert "--iterations and --epoch-end" in fails(capsys, stage(), "--iterations", "10", epochs, "3", "--dry-run")
    for given, flags_given, end in (({"iterations": 1}, [epochs, "2"], 4), ({}, ["--iterations", "3"], 3)):
        args = train.parse(["--config", str(stage(**given)), *flags_given])  # they go over what the file says
        assert plan(load_config(*settings_of(args)), 4, args.epoch_end)[-1].end == end


def test_a_bare_name_is_looked_for_where_stages_save(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(flags, "WORKPLACE", tmp_path / "project")
    best = tmp_path / "project" / "log" / "stage1" / "best_model"
    best.mkdir(parents=True)
    assert found_weights("stage1.pdparams") == found_weights("stage1") == str(best)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "mine.pdparams").touch()
    assert found_weights("mine.pdparams", "runs/a") == found_weights("mine", "runs/a") == "runs/mine.pdparams"
    assert all(found_weights(name) == name for name in ("mine", "starter", "x/stage1"))
    (tmp_path / "stage1").mkdir()
    assert found_weights("stage1") == "stage1"  # what lies here comes first


def test_the_seed_s_line_of_modnet():
    line = ("--config configs/modnet/modnet_mobilenetv2.yml --do_eval --use_vdl --save_interval 5000 --num_workers 5 "
            "--save_dir output --iters 7")
    name, overrides = settings_of(train.parse(line.split()))
    config = load_config(PROJECT / name, overrides)
    assert config["method"] == "modnet" and config["iterations"] == 7 and config["checkpoint_interval"] == 5000
    optimiser = [config[key] for key in ("optimizer", "momentum", "weight_decay", "learning_rate")]
    assert optimiser == ["sgd", 0.9, 4e-5, 0.02]
    assert config["phases"]["whole"]["batch_size"] == 16 and config["phases"]["whole"]["crop"] == [512, 512]
    dim = load_config(PROJECT / "configs" / "dim" / "dim_vgg16.yml")
    assert (dim["method"], dim["optimizer"], dim["iterations"]) == ("dim", "adam", 100_000)
    assert (dim["phases"]["whole"]["cuts"], dim["phases"]["whole"]["crop"]) == ([320, 480, 640], [320, 320])


def test_one_phase_on_folders_without_a_set(tmp_path):
    line = (f"--phase base --epochs 50 --train_rgb_path {tmp_path}/f --train_alp_path {tmp_path}/p --train_bck_path "
            f"{tmp_path}/b --valid_rgb_path {tmp_path}/vf --valid_alp_path {tmp_path}/vp --valid_bck_path {tmp_path}/vb "
            "--pretrained_model w.pth --checkpoint_path out --batch_size 3")
    name, overrides = settings_of(train.parse(line.split()))
    config = load_config(name, overrides)
    assert config["folders"] == {key: f"{tmp_path}/{folder}" for key, folder in (
        ("fgr", "f"), ("pha", "p"), ("bgr", "b"), ("valid_fgr", "vf"), ("valid_pha", "vp"), ("valid_bgr", "vb"))}
    assert (config["dataset_name"], config["background_name"]) == ("own", "own backgrounds")
    assert (config["pretrain"], config["save_dir"]) == ("w.pth", "out")
    assert {name: phase["epochs"] for name, phase in config["phases"].items()} == {"base": 50, "joint": 0, "whole": 0}
    assert config["phases"]["base"]["batch_size"] == 3
    joint = load_config(*settings_of(train.parse(["--config", "configs/stage1.yml", "--phase", "joint"])))
    assert [joint["phases"][name]["epochs"] for name in ("base", "joint")] == [0, 1]
    with pytest.raises(UserError):
        settings_of(train.parse(["--dataset-name", "private", "--fgr", "f"]))


def test_the_command_of_a_dry_run_repeats_all_flags():
    line = "--config a.yml --learning-rate 0.001 --batch-size auto --bgr b --phase joint --force --do-eval --dry-run"
    again = command_of(train.parse(line.split())).split()
    assert again[:2] == ["python", "train.py"] and "--dry-run" not in again
    parsed = vars(train.parse(again[2:]))
    assert parsed == {**vars(train.parse(line.split())), "dry_run": False}
