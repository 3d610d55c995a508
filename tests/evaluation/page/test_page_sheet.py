import cv2
import numpy as np
import pytest

from bgmatting.evaluation.page.load import read_results
from bgmatting.evaluation.page.sheet import COLOURS, draw_sheet, encode


def test_bars_are_as_long_as_the_means(evaluation):
    image = draw_sheet(read_results([evaluation(pictures=False)]))
    bars = image[:, :320]  # SAD: 3 and 4
    lengths = [(bars == np.array(colour)).all(axis=2).sum(axis=1).max() for colour in COLOURS[:2]]
    assert lengths[0] / lengths[1] == pytest.approx(3 / 4, abs=0.02)


def test_few_pictures_and_missing_ones(evaluation):
    for count in (1, 2):
        assert draw_sheet(read_results([evaluation(names=list("abc")[:count])])).shape[0] > 200 + 180 * count
    folder = evaluation()
    for path in (folder / "pictures").iterdir():
        path.unlink()
    assert draw_sheet(read_results([folder])).shape[1] == 1600


def test_file_stays_below_its_limit():
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    data = encode(noise, 100_000)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert len(data) <= 100_000 and 100 < decoded.shape[1] < 400
    assert decoded.shape[0] / decoded.shape[1] == pytest.approx(0.75, abs=0.02)
    whole = cv2.imdecode(np.frombuffer(encode(noise), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(cv2.cvtColor(whole, cv2.COLOR_BGR2RGB), noise)
