"""The command line of PaddleSeg's tools/val.py: an evaluation by eval.py of what a configuration trains.

`python val.py --help` shows how; ``bgmatting val`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("val")
