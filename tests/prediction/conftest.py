"""What tests of predict.py start from."""
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import write_image
from bgmatting.prediction.photos import cli
from tests.prediction.command import StandIn


@pytest.fixture
def stand_in(monkeypatch):
    """No network is opened, and no background fitted."""
    monkeypatch.setattr(predict, "open_matter", lambda options: StandIn())
    monkeypatch.setattr(cli, "fitter", lambda align, exposure: None)


@pytest.fixture
def no_network(monkeypatch):
    """Whoever opens the network fails."""
    monkeypatch.setattr(predict, "open_matter", lambda options: pytest.fail("the network was opened"))


@pytest.fixture
def photos(tmp_path):
    """src.png: a bright square (rows 2-4, columns 3-6) on bgr.png; 9x7, an odd size."""
    bgr = np.full((7, 9, 3), 20, np.uint8)
    src = bgr.copy()
    src[2:5, 3:7] = (200, 100, 50)
    write_image(tmp_path / "src.png", src)
    write_image(tmp_path / "bgr.png", bgr)
    return tmp_path
