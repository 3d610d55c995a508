"""Videos by any name: with colons, long, no text, hyphens first."""
import os
import sys

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction import core
from bgmatting.prediction.options import Options
from bgmatting.prediction.source import is_video
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, WIDTH, StandIn, decoded, make_clip


def matted(name, bgr, **more):
    options = Options(src=name, bgr=bgr, output="out", type=("pha",), align="off", exposure="off", **more)
    assert is_video(name)
    return core.matte(None, options, StandIn())


NAMES = ["12:30.mp4", "C:x.mp4", "file:x.mp4", "-x.mp4", "a?b#c.mp4", "%03d.mp4", "x" * 247 + ".mp4"]


@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"\xe4\xf6.mp4")])
def test_any_name(tmp_path, monkeypatch, name):
    if sys.platform != "linux" and "\udce4" in name:
        pytest.skip("names that are no text")
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "clip.mp4", 3)
    os.rename("clip.mp4", name)
    write_image(tmp_path / "a:b.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert matted(name, "a:b.png").done == 3
    stem = name[:-4]
    assert os.listdir("out") == [f"{stem}_pha.mp4"]
    os.rename(os.path.join("out", f"{stem}_pha.mp4"), "pha.mp4")
    assert len(decoded("pha.mp4")) == 3
    assert matted(name, name, overwrite=True).done == matted(name, "median", overwrite=True).done == 3
    assert matted(name, "a:b.png", format="png").done == 3
    assert len(os.listdir(os.path.join("out", f"{stem}_pha"))) == 3 + 1


def test_a_name_whose_results_are_too_long(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="259 bytes, and 255"):
        matted("x" * 251 + ".mp4", "a.png")
    assert os.listdir() == []
