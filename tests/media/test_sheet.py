import numpy as np
import pytest

from bgmatting.media.operations import fitted
from bgmatting.media.sheet import INK, drawable, in_rows, strip, write_fine_text


@pytest.mark.parametrize("align, columns",
                         (("left", slice(200, 400)), ("right", slice(0, 203)), ("middle", slice(100, 300))))
def test_text_lies_where_it_should(align, columns):
    image = np.full((60, 400, 3), 255, np.uint8)
    assert 40 < write_fine_text(image, "Grad é", 200, 40, 18, INK, align) < 120
    dark = np.argwhere(image.min(axis=2) < 128)
    assert len(dark) > 100 and dark[:, 1].min() >= columns.start and dark[:, 1].max() < columns.stop
    assert dark[:, 0].min() > 15 and dark[:, 0].max() <= 47


def test_text_beyond_the_border_is_cut():
    image = np.full((20, 40, 3), 255, np.uint8)
    write_fine_text(image, "a long line of text", -20, 4)
    write_fine_text(image, "a long line of text", 30, 30)
    assert image.shape == (20, 40, 3)


def test_letters_that_cannot_be_drawn_are_marked():
    assert drawable("MSE ×1000 é\n字") == "MSE x1000 ???"


def test_a_strip_holds_its_text_and_cuts_what_is_too_long():
    line = strip(200, 28, "src  a photo", 0.5, 40, 245)
    assert line.shape == (28, 200, 3) and line.max() == 245 and line[:, 120:].min() == 245 and line[:, :100].min() < 80
    rows = np.flatnonzero(line.min(axis=(1, 2)) < 128)
    assert rows.min() >= 6 and rows.max() <= 24
    assert strip(30, 28, "a long line of text", 0.5, 40, 245).shape == (28, 30, 3)


def test_cells_lie_in_rows_and_the_rest_is_black():
    cells = [np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = in_rows(cells, 2)
    assert sheet.shape == (8, 12, 3) and sheet[::4, ::6, 0].tolist() == [[10, 20], [30, 0]]
    assert in_rows(cells, 9).shape == (4, 18, 3)


def test_a_picture_is_fitted_by_its_longer_side():
    assert fitted(np.zeros((30, 90, 3), np.uint8), 60).shape == (20, 60, 3)
    assert fitted(np.zeros((90, 1), np.uint8), 30).shape == (30, 1)
