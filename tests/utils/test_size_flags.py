import pytest

from bgmatting.utils.errors import UserError
from bgmatting.utils.sizes import parse_landscape, parse_size

NAMES = {"hd": (1080, 1920), "original": None}


@pytest.mark.parametrize("text, size", (("1280x720", (720, 1280)), ("720X1280", (1280, 720)), ("512", (512, 512)),
                                        ("w720h1280", (1280, 720)), ("HD", (1080, 1920)), ("original", None)))
def test_sizes_are_width_x_height(text, size):
    assert parse_size(text, NAMES) == size


@pytest.mark.parametrize("text", ("", "x", "12x", "x12", "1x2x3", "-4", "4.5", "1 x 2", "²x4", "h9w16", "4k", "0", "0x9",
                                  "w9h0"))
def test_what_is_no_size(text):
    with pytest.raises(UserError):
        parse_size(text, NAMES)


def test_a_flag_that_once_took_height_first_refuses_what_is_taller_than_wide():
    with pytest.raises(UserError, match="1920x1080.*w1080h1920"):
        parse_landscape("1080x1920")
    for text, size in (("1920x1080", (1080, 1920)), ("w1080h1920", (1920, 1080)), ("64", (64, 64)), ("original", None)):
        assert parse_landscape(text, NAMES) == size
