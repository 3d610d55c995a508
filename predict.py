"""Mattes of photos and videos: who stands before the background?

`python predict.py --help` shows how; ``bgmatting predict`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("predict")
