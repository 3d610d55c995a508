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
    assert not sheet.write() and not list(tmp_path.iterdir())  # nothing to show
    for name, size, alpha in (("wide.jpg", (30, 60), 1), ("tall 人.jpg", (60, 30), 0), ("more.jpg", (30, 60), 1)):
        made = matte(*size)._replace(pha=np.full(size, alpha, np.float32))
        sheet.add(name, pair(*size), made, np.full((*size, 3), (1, 2, 250), np.uint8))
    assert not sheet.room and sheet.write()
    found = read_image(tmp_path / "sheet.png")
    assert found.shape == (2 * (STRIP + HEIGHT + MARGIN), 4 * 2 * HEIGHT + 2 * MARGIN, 3)
    for top, width, pha, com in ((STRIP, 2 * HEIGHT, 255, [255, 0, 0]),
                                 (2 * STRIP + HEIGHT + MARGIN, HEIGHT // 2, 0, [1, 2, 250])):
        row = found[top + HEIGHT // 2, MARGIN:]
        assert [row[width * at + width // 2].tolist() for at in range(4)] == [[200] * 3, [50] * 3, [pha] * 3, com]
    assert (found[:STRIP, :2 * HEIGHT] < 128).any()  # a heading


def test_strips_are_shown_small(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", 2)
    for size in ((1, 4000), (4000, 1)):
        sheet.add("strip", pair(*size), matte(*size))
    sheet.write()
    found = read_image(tmp_path / "sheet.png")
    assert found.shape == (2 * (STRIP + HEIGHT + MARGIN), 4 * WIDEST * HEIGHT + 2 * MARGIN, 3)
    shown = found[STRIP:STRIP + HEIGHT, MARGIN + 10]
    assert (shown == 200).all(axis=1).sum() == 1 and (found[-MARGIN - HEIGHT:-MARGIN, MARGIN] == 200).all()
