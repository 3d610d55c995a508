"""The sheet: a row per photo, each panel where it belongs."""
from collections import namedtuple

import numpy as np

from bgmatting.media import read_image
from bgmatting.prediction.photos.read_pair import Pair
from bgmatting.prediction.photos.sheet import HEIGHT, MARGIN, STRIP, WIDEST, Sheet

Matte = namedtuple("Matte", "pha fgr")


def pair(height, width):
    return Pair(np.full((height, width, 3), 200, np.uint8), np.full((height, width, 3), 50, np.uint8), [])


def matte(height, width):
    return Matte(np.ones((height, width), np.float32), np.full((height, width, 3), (1, 0, 0), np.float32))


def test_rows_up_to_the_limit(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", 2)
    for name, size in (("wide.jpg", (30, 60)), ("tall 人.jpg", (60, 30)), ("more.jpg", (30, 60))):
        sheet.add(name, pair(*size), matte(*size))
    assert not sheet.room and sheet.write()
    found = read_image(tmp_path / "sheet.png")
    assert found.shape == (2 * (STRIP + HEIGHT + MARGIN), 4 * 2 * HEIGHT + 2 * MARGIN, 3)
    for top, width in ((STRIP, 2 * HEIGHT), (2 * STRIP + HEIGHT + MARGIN, HEIGHT // 2)):
        row = found[top + HEIGHT // 2, MARGIN:]
        assert [row[width * at + width // 2].tolist() for at in range(4)] == [[200] * 3, [50] * 3, [255] * 3, [255, 0, 0]]
    assert (found[:STRIP, :2 * HEIGHT] < 128).any()  # a heading


def test_nothing_to_show_writes_nothing(tmp_path):
    assert not Sheet(tmp_path / "sheet.png", 3).write() and not list(tmp_path.iterdir())


def test_before_a_background(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", 1)
    empty = Matte(np.zeros((30, 30), np.float32), np.zeros((30, 30, 3), np.float32))
    sheet.add("a", pair(30, 30), empty, np.full((30, 30, 3), (1, 2, 250), np.uint8))
    sheet.write()
    assert read_image(tmp_path / "sheet.png")[STRIP + 150, MARGIN + 3 * HEIGHT + 150].tolist() == [1, 2, 250]


def test_strips_are_shown_small(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", 2)
    for size in ((1, 4000), (4000, 1)):
        sheet.add("strip", pair(*size), matte(*size))
    sheet.write()
    found = read_image(tmp_path / "sheet.png")
    assert found.shape == (2 * (STRIP + HEIGHT + MARGIN), 4 * WIDEST * HEIGHT + 2 * MARGIN, 3)
    shown = found[STRIP:STRIP + HEIGHT, MARGIN + 10]
    assert (shown == 200).all(axis=1).sum() == 1 and (found[-MARGIN - HEIGHT:-MARGIN, MARGIN] == 200).all()
