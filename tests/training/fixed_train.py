"""train.py with BatchNorm's statistics and dropout fixed, so that a loss does not depend on how a batch is divided.

    python fixed_train.py LOSSES FLAGS OF train.py    # writes each iteration's loss into the file LOSSES
"""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bgmatting.commands import train  # noqa: E402  (train.py lies two folders up)
from bgmatting.utils.cpu import prepare_cpu  # noqa: E402


def fix(network):
    from paddle import nn
    for layer in network.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            layer._use_global_stats = True
        elif isinstance(layer, nn.Dropout):
            layer.p = 0
    return network


def main(losses, flags):
    prepare_cpu(1)
    from bgmatting.training import trainer
    build, step = trainer.network_of, trainer.train_step

    def noted(*arguments):
        outcome = step(*arguments)
        if os.environ.get("PADDLE_TRAINER_ID", "0") == "0":
            with open(losses, "a", encoding="utf-8") as file:
                file.write(f"{outcome.loss!r}\n")
        return outcome

    trainer.network_of, trainer.train_step = lambda config: fix(build(config)), noted
    train.main(flags)


if __name__ == "__main__":
    from bgmatting.utils.cli import run_main
    run_main(lambda _: main(sys.argv[1], sys.argv[2:]))
