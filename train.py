"""Train one stage. The same command goes on where an interrupted run stopped.

`python train.py --help` shows how; ``bgmatting train`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("train")
