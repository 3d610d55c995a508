"""What tests of predict.py start from."""
from contextlib import nullcontext

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction import core
from bgmatting.prediction.photos import read_pair
from bgmatting.utils.isolation import Workers
from tests.prediction.command import StandIn


@pytest.fixture(scope="session")
def workers():
    """The process that reads photos of folders, one for all tests."""
    with Workers(1, core.DECODING, [read_pair.__name__], ready=1) as made:
        yield made


@pytest.fixture
def stand_in(monkeypatch, workers):
    """No network is opened, no background fitted, and no process started."""
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())
    monkeypatch.setattr(core, "fitter", lambda align, exposure, video=False: None)
    monkeypatch.setattr(core, "Workers", lambda *_, **__: nullcontext(workers))


@pytest.fixture
def no_network(monkeypatch):
    """Whoever opens the network fails."""
    monkeypatch.setattr(core, "open_matter", lambda options: pytest.fail("the network was opened"))


@pytest.fixture
def photos(tmp_path):
    """src.png: a bright square (rows 2-4, columns 3-6) on bgr.png; 9x7, an odd size."""
    bgr = np.full((7, 9, 3), 20, np.uint8)
    src = bgr.copy()
    src[2:5, 3:7] = (200, 100, 50)
    write_image(tmp_path / "src.png", src)
    write_image(tmp_path / "bgr.png", bgr)
    return tmp_path
