"""Train one stage. The same command goes on where an interrupted run stopped.

    python train.py --config configs/stage1.yml                     # base, then base and refiner, on VideoMatte240K
    python train.py --config configs/stage2.yml                     # fine-tuning on Distinctions-646 from stage 1
    python train.py --config configs/stage2.yml --pretrain starter  # the same from the weights that come along
"""
import argparse

from utils.cli import CommandLine, run_main
from utils.cpu import prepare_cpu

FLAGS = (
    ("dataset_name", str, "a name in configs/datasets.yml, or 'stream' for generated samples"),
    ("background_name", str, "a set of backgrounds in configs/datasets.yml"),
    ("data_root", str, "folder of datasets (default: $DATA_ROOT, else data/)"),
    ("learning_rate", float, "before the factors of the network's parts"),
    ("pretrain", str, "weights to start from: a file, a folder of a run, 'starter', 'imagenet' or 'auto'"),
    ("backbone", str, "mobilenetv2, mobilenetv3, resnet50 or resnet101"),
    ("log_train_loss_interval", int, "iterations between two lines of the log"),
    ("num_workers", int, "processes that prepare batches"),
    ("accumulate", int, "batches an iteration, as if they were one large one"),
    ("amp", str, "mixed precision on a GPU: O1 or O2"),
    ("device", str, "cpu, gpu or gpu:N"),
    ("save_dir", str, "where checkpoints and logs go"),
    ("seed", int, "of everything random"),
)


def parse(argv):
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="a stage's YAML file, such as configs/stage1.yml")
    for name, kind, text in FLAGS:
        parser.add_argument("--" + name.replace("_", "-"), type=kind, help=text)
    parser.add_argument("--epoch-end", type=int, help="last epoch of the stage, counted over its phases")
    parser.add_argument("--batch-size", type=batch_size, metavar="N|auto", help="samples a batch, in every "
                        "phase; auto: as configured, halved (and --accumulate doubled) until it fits in memory")
    parser.add_argument("--force", action="store_true", help="start over, deleting the checkpoints in the save folder")
    return parser.parse_args(argv)


def batch_size(text):
    """What --batch-size takes."""
    return text if text == "auto" else int(text)


def main(argv=None):
    args = parse(argv)
    prepare_cpu()  # before anything else imports paddle
    from training.config import load_config
    from training.trainer import train
    overrides = {name: getattr(args, name) for name, _, _ in FLAGS}
    if args.batch_size == "auto":
        overrides["batch_auto"] = True
    elif args.batch_size is not None:
        overrides["phases"] = {name: {"batch_size": args.batch_size} for name in ("base", "joint")}
    config = load_config(args.config, overrides)
    train(config, args.epoch_end, args.force)


if __name__ == "__main__":
    run_main(main)
