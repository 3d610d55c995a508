"""stdin and stdout of the command line: the bytes are those of the files, and nothing else comes."""
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bgmatting.media import read_image
from bgmatting.utils.files import PROJECT
from tests.prediction.command import pair_flags, run

PROGRAM = """
import sys
sys.path.insert(0, {project!r})
from bgmatting.commands import predict
from bgmatting.prediction import core
from bgmatting.utils.cli import run_main
from tests.prediction.command import StandIn
core.open_matter = lambda options: print("noise") or StandIn()
core.fitter = lambda align, exposure, video=False: None
run_main(predict.main)
"""


def piped(*words, data=b""):
    """(exit code, stdout, stderr) of predict.py around a stand-in that prints, in a process of its own."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(project=str(PROJECT)), *map(str, words)], input=data,
                           capture_output=True, cwd=PROJECT, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr.decode()


def test_a_photo_in_and_a_picture_out(photos, stand_in):
    assert run(*pair_flags(photos, "--output", photos / "file.png")) == 0
    data, words = (photos / "src.png").read_bytes(), ("--src", "-", "--bgr", photos / "bgr.png", "--output", "-")
    code, out, said = piped(*words, data=data)
    assert code == 0 and out == (photos / "file.png").read_bytes() and "noise" in said
    for more in ((), ("--type", "pha", "com")):  # nothing comes; too much is wanted
        code, out, said = piped(*words, *more, data=data if more else b"")
        assert code == 2 and out == b"" and said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_cropped(photos, stand_in, suffix):
    for margin, box in ((0, (3, 2, 7, 5)), (1, (2, 1, 8, 6)), (50, (0, 0, 9, 7))):
        assert run(*pair_flags(photos, "--crop", margin, "--output", photos / f"c{suffix}", "--overwrite")) == 0
        left, top, right, bottom = box
        assert np.array_equal(read_image(photos / f"c{suffix}").max(2) > 150,
                              read_image(photos / "src.png")[top:bottom, left:right].max(2) > 150)


def test_an_empty_photo_stays_whole(photos, stand_in):
    assert run("--src", photos / "bgr.png", "--bgr", photos / "bgr.png", "--crop", "--output", photos / "c.png") == 0
    assert Image.open(photos / "c.png").size == (9, 7)
