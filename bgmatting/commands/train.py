"""Train one stage. If a run was interrupted, the same command continues it.

    python train.py --config configs/stage1.yml                     # base, then base and refiner, on VideoMatte240K
    python train.py --config configs/stage2.yml                     # fine-tuning on Distinctions-646 from stage 1
    python train.py --config configs/stage2.yml --pretrain starter  # the same, from the included weights
    python train.py --dataset-name videomatte240k --epoch_end 9     # the stage that fits the set: 8 epochs base, 1 joint
    python train.py --phase base --epochs 50 --fgr F --pha P --bgr B    # only one phase, on your own folders
    python train.py --config configs/stage1.yml --dry-run           # show the plan: data, iterations, memory, disk, time
"""
import argparse
from typing import Optional

from bgmatting.training.config.flags import add_flags, settings_of
from bgmatting.utils.cli import CommandLine
from bgmatting.utils.cpu import prepare_cpu


def parse(argv: Optional[list[str]]) -> argparse.Namespace:
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    return parser.parse_args(argv)


def main(argv: Optional[list[str]] = None) -> None:
    args = parse(argv)
    prepare_cpu()  # before anything else imports paddle
    if args.dry_run:
        from bgmatting.training.plan.__main__ import show
        show(args)
        return
    from bgmatting.training.config import load_config
    from bgmatting.training.trainer import train
    name, overrides = settings_of(args)
    train(load_config(name, overrides), args.epoch_end, args.force)
