"""The command line of train.py: its flags, the stage that a data set belongs to, and the words of other programs.

Command lines of earlier reproductions and of PaddleSeg are taken where what they mean exists here, and are refused with a
line that says what does it here where it does not.
"""
from __future__ import annotations

import argparse
import os
import re
import shlex
from pathlib import Path

from bgmatting.dataset.catalog import OWN, OWN_BACKGROUNDS
from bgmatting.training.config.rules import PHASES
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.files import PROJECT, WORKPLACE

FLAGS = (
    ("dataset_name", str, "a name in configs/datasets.yml, or 'stream' for generated samples"),
    ("background_name", str, "a set of backgrounds in configs/datasets.yml, or 'sample' for generated ones"),
    ("data_root", str, "folder of datasets (default: $DATA_ROOT, else data/)"),
    ("learning_rate", float, "learning rate; multiplied by a factor for each part of the network"),
    ("pretrain", str, "weights to start from: a file, a run folder, 'starter', 'imagenet' or 'auto'; a bare name is "
                      "also looked up in the folders where stages are saved"),
    ("method", str, "background (with a photo of the empty scene), modnet (one photo) or dim (with a trimap)"),
    ("backbone", str, "backbone for the method background: mobilenetv2, mobilenetv3, mobilenetv3_small (_os32), "
                        "resnet50 or resnet101"),
    ("iterations", int, "last iteration of the run, counted over all phases"),
    ("log_train_loss_interval", int, "iterations between log lines"),
    ("log_images_interval", int, "iterations between sets of images in the log"),
    ("valid_interval", int, "iterations between validations"),
    ("checkpoint_interval", int, "iterations between checkpoints"),
    ("keep_checkpoint_max", int, "number of checkpoints to keep"),
    ("num_workers", int, "number of processes that prepare batches"),
    ("accumulate", int, "batches per iteration; their gradients are averaged"),
    ("amp", str, "mixed precision on a GPU: O1 or O2"),
    ("device", str, "cpu, gpu or gpu:N"),
    ("save_dir", str, "where checkpoints and logs go"),
    ("seed", int, "random seed for everything"),
)
# Folders that are trained on without a set in the catalogue.
FOLDERS = {"fgr": "a folder of foregrounds, or of cut-outs if --pha is left out", "pha": "mattes of --fgr",
           "bgr": "a folder of photos without a subject",
           "valid_fgr": "foregrounds for validation; if left out, a tenth of --fgr is used",
           "valid_pha": "mattes of --valid-fgr", "valid_bgr": "photos without a subject for validation"}
SAME = {"log_train_loss_interval": ("log-iters",), "checkpoint_interval": ("save-interval",), "data_root": ("data-path",),
        "iterations": ("iters",), "log_images_interval": ("log-train-images-interval",),
        "valid_interval": ("log-valid-interval",), "backbone": ("model-backbone",), "save_dir": ("checkpoint-path",),
        "pretrain": ("pretrained-model", "model-last-checkpoint", "model-pretrain-initialization"),
        "fgr": ("train-rgb-path",), "pha": ("train-alp-path",), "bgr": ("train-bck-path", "background-dir"),
        "valid_fgr": ("valid-rgb-path",), "valid_pha": ("valid-alp-path",), "valid_bgr": ("valid-bck-path",)}
ALWAYS = ("do_eval", "use_vdl")  # flags of PaddleSeg for what is done here without being asked
INSTEAD = {
    "logging_path": "logs lie in --save-dir",
    "model_name": "checkpoints lie in --save-dir",
    "epoch_start": "the same command goes on from the newest checkpoint in its --save-dir",
    "resume_model": "the same command goes on from the newest checkpoint in its --save-dir; --pretrain FOLDER starts anew "
                    "from the weights of one",
}
OWN_STAGE, OWN_SAVE_DIR = PROJECT / "configs" / "stage1.yml", WORKPLACE / "log" / "own"
TRAINED = ("videomatte240k", "distinctions646", "private")
STAGES = (("videomatte", 1), ("distinction", 2), ("private", 3))  # a part of the set's name, and the stage trained on it
SUFFIXES = ("", ".safetensors", ".pdparams", ".pth")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add train.py's flags to an argparse parser."""
    add = parser.add_argument
    add("--config",
        help="a stage's YAML file, such as configs/stage1.yml (default: the stage that --dataset-name belongs to)")
    for name, kind, text in FLAGS:
        add("--" + name.replace("_", "-"), *("--" + other for other in SAME.get(name, ())), type=kind, help=text)
    for name, text in FOLDERS.items():
        add("--" + name.replace("_", "-"), *("--" + other for other in SAME[name]), metavar="DIR", help=text)
    add("--phase", choices=PHASES, help="train this phase alone; the other parts keep their weights")
    add("--epoch-end", "--epochs", type=int,
        help="last epoch of the stage, counted over all phases; phases that would start later are skipped")
    add("--batch-size", type=_batch_size, metavar="N|auto",
        help="samples per batch, in every phase; auto: start with the configured size, then halve it and double "
        "--accumulate until it fits in memory")
    add("--force", action="store_true", help="start over, deleting the checkpoints in the save folder")
    add("--dry-run", action="store_true",
        help="show what the run would do, without doing it; see python -m bgmatting plan")
    for name in ALWAYS:
        add("--" + name.replace("_", "-"), action="store_true", help="accepted for compatibility; this is always done")
    for name in INSTEAD:
        add("--" + name.replace("_", "-"), help="not supported; the error message says what to use instead")


def settings_of(args: argparse.Namespace) -> tuple[str | Path, dict]:
    """(the stage's file, {key: value} that goes over it) of a parsed command line. Raises UserError: a flag means nothing
    here, two contradict each other, or no stage was named."""
    for name, instead in INSTEAD.items():
        if getattr(args, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} is not known here: {instead}.")
    if args.iterations is not None and args.epoch_end is not None:
        raise UserError("--iterations and --epoch-end (or --epochs) both say where the run ends. Leave one out.")
    overrides = {name: getattr(args, name) for name, _, _ in FLAGS}
    phases = {name: {} for name in PHASES}
    if overrides["pretrain"] is not None:
        overrides["pretrain"] = found_weights(overrides["pretrain"], args.save_dir)
    if args.batch_size == "auto":
        overrides["batch_auto"] = True
    elif args.batch_size is not None:
        for own in phases.values():
            own["batch_size"] = args.batch_size
    if args.phase is not None:
        for name, own in phases.items():
            if name != args.phase:
                own["epochs"] = 0
            elif args.epoch_end is not None:
                own["epochs"] = args.epoch_end
    overrides["phases"] = {name: own for name, own in phases.items() if own} or None
    name = args.config
    folders = {key: os.path.abspath(path) for key in FOLDERS if (path := getattr(args, key)) is not None}
    if folders:
        overrides["folders"] = folders
        if {"fgr", "pha", "valid_fgr", "valid_pha"} & set(folders):
            _take_own(overrides, "dataset_name", OWN)
            name = name or OWN_STAGE
            overrides["save_dir"] = overrides["save_dir"] or (None if args.config else str(OWN_SAVE_DIR))
        if {"bgr", "valid_bgr"} & set(folders):
            _take_own(overrides, "background_name", OWN_BACKGROUNDS)
    return name or stage_of(args.dataset_name), overrides


def _take_own(overrides, key, name):
    if overrides[key] is not None:
        raise UserError(f"--{key.replace('_', '-')} names a set, and folders are given for it as well. Leave one out.")
    overrides[key] = name


def command_of(args: argparse.Namespace) -> str:
    """The command line of train.py that a parsed one stands for, all flags repeated but --dry-run and those of the plan."""
    words = ["python", "train.py"]
    for name, value in vars(args).items():
        if value is None or value is False or name in ("dry_run", "gpu_memory"):
            continue
        words += ["--" + name.replace("_", "-"), *([] if value is True else [str(value)])]
    return shlex.join(words)


def stage_of(dataset_name: str | None) -> Path:
    """The YAML file of the stage that trains on a set; its name in any case, with hyphens, underscores, and words
    appended. Raises UserError: there is no such stage, or no set is named."""
    stages = "configs/stage1.yml, stage2.yml or stage3.yml"
    if dataset_name is None:
        raise UserError(f"which stage? Name its --config ({stages}), or a --dataset-name.")
    plain = re.sub(r"[^a-z0-9]", "", dataset_name.lower())
    for part, number in STAGES:
        if part in plain:
            return PROJECT / "configs" / f"stage{number}.yml"
    near = suggest(plain, TRAINED)
    raise UserError(f"no stage is made for the set '{dataset_name}'; name the --config to train it with: {stages}."
                    + (near if near.startswith(" Did") else ""))


def found_weights(name: str, save_dir: str | None = None) -> str:
    """``name`` itself, unless it is a bare name that lies elsewhere: in ``save_dir``, beside it, or in a stage below log/.

    "stage1.pdparams" and "stage1" mean the best weights of log/stage1 where no file is called so.
    """
    path = Path(name)
    if path.exists() or len(path.parts) != 1:
        return name
    places = [Path(save_dir), Path(save_dir).parent] if save_dir else []
    for place in (*places, WORKPLACE / "log"):
        for suffix in SUFFIXES:
            if (place / f"{name}{suffix}").is_file():
                return str(place / f"{name}{suffix}")
        for folder in (place / name, place / path.stem):
            if (folder / "best_model").is_dir():
                return str(folder / "best_model")
    return name


def _batch_size(text):
    return text if text == "auto" else int(text)
