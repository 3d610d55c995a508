"""predict.py as tests call it, around a stand-in for the network."""
from collections import namedtuple

import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import write_image
from bgmatting.utils.cli import run_main

Matte = namedtuple("Matte", "pha fgr err ref")


class StandIn:
    """Takes for subject whatever differs from bgr; keeps the colours of src."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def predict(self, src, bgr, want=Matte._fields, rows=None):
        differs = (src != bgr).any(2).astype(np.float32)
        made = Matte(differs, src.astype(np.float32) / 255, differs * 0.5, differs)
        matte = Matte(*(value if name in want else None for name, value in zip(Matte._fields, made)))
        return matte if rows is None else rows(0, matte)


def run(*args):
    """Its exit code."""
    return predict.main([str(arg) for arg in args])


def refuse(capsys, output, *args):
    """Run, and return the one line on stderr; exit code 2 and no output are asserted."""
    with pytest.raises(SystemExit) as ended:
        run_main(predict.main, [str(arg) for arg in args] + ["--output", str(output)])
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert not output.exists()
    return said.err


def files(folder):
    """All files below a folder, as text."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_folders(root, names=("a", "clip/b")):
    """photos/NAME.png, each with rooms/NAME.bmp."""
    for name in names:
        write_image(root / "photos" / f"{name}.png", np.full((4, 6, 3), 99, np.uint8))
        write_image(root / "rooms" / f"{name}.bmp", np.zeros((4, 6, 3), np.uint8))


def pair_flags(photos, *more):
    """For the pair of the fixture ``photos``."""
    return ("--src", photos / "src.png", "--bgr", photos / "bgr.png", *more)


def folder_flags(root, *more):
    """For what ``write_folders`` wrote."""
    return ("--src", root / "photos", "--bgr", root / "rooms", "--output", root / "out", *more)
