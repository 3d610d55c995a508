"""JPEG headers, and JPEGs read at a part of their size."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.media import read_gray, read_image, write_image
from bgmatting.media.formats import jpeg_size, scan_start
from bgmatting.utils.errors import UserError


def smooth(height, width):
    row, column = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(row / 25), 128 + 100 * np.cos(column / 40), 0 * row + 90], -1).astype(np.uint8)


def encoded(image, *options):
    return cv2.imencode(".jpg", image, list(options))[1].tobytes()


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)])
def test_size_and_start_of_the_picture(options):
    data = encoded(smooth(70, 90), *options)
    assert jpeg_size(data) == (90, 70) and data[scan_start(data):][:2] == b"\xff\xda"


def test_size_is_that_of_the_picture_not_of_a_copy_in_the_header():
    data, small = encoded(smooth(70, 90)), encoded(smooth(8, 8))
    part = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    assert jpeg_size(data[:2] + part + b"\xff" + data[2:]) == (90, 70)


@pytest.mark.parametrize("data", [
    b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\xff\xd8\xff\xc0\x00\x03\x08", b"\x89PNG...."])
def test_headers_that_do_not_say(data):
    assert jpeg_size(data) is None and scan_start(data) >= 2


@pytest.mark.parametrize("size", [(320, 480), (321, 483)])
@pytest.mark.parametrize("least, part", [(None, 1), (1000, 1), (161, 1), (160, 2), (81, 2), (80, 4), (40, 8), (1, 8)])
def test_a_jpeg_is_read_at_the_smallest_size_that_suffices(tmp_path, size, least, part):
    image = smooth(*size)
    write_image(tmp_path / "a.jpg", image)
    expected = tuple(-(-side // part) for side in size)
    found, gray = read_image(tmp_path / "a.jpg", least), read_gray(tmp_path / "a.jpg", least)
    assert found.shape == (*expected, 3) and gray.shape == expected
    inside = np.s_[:size[0] // 8 * 8 // part, :size[1] // 8 * 8 // part]
    means = cv2.resize(image[:size[0] // 8 * 8, :size[1] // 8 * 8], None, fx=1 / part, fy=1 / part,
                       interpolation=cv2.INTER_AREA)
    assert np.abs(found[inside].astype(int) - means).mean() < 2


def test_other_formats_and_damage_are_as_without_a_size(tmp_path):
    write_image(tmp_path / "a.png", smooth(64, 80))
    assert read_image(tmp_path / "a.png", 1).shape == (64, 80, 3)
    write_image(tmp_path / "b.jpg", smooth(64, 80))
    data = (tmp_path / "b.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(data[:len(data) // 2])
    with pytest.raises(UserError, match="cut short"):
        read_image(tmp_path / "b.jpg", 8)


def test_a_turned_picture_stays_upright(tmp_path):
    data = encoded(smooth(64, 160))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    assert read_image(tmp_path / "a.jpg").shape == (160, 64, 3)
    assert read_image(tmp_path / "a.jpg", 32).shape == (80, 32, 3)


def test_fgr_and_pha_come_out_at_one_size(tmp_path):
    image = smooth(96, 128)
    for name in ("fgr.jpg", "pha.jpg", "pha.png"):
        write_image(tmp_path / name, image if name.startswith("fgr") else image[..., 0])
    for pha, size in (("pha.jpg", (48, 64)), ("pha.png", (96, 128))):
        fgr, found = read_fgr_pha(tmp_path / "fgr.jpg", tmp_path / pha, least=40)
        assert fgr.shape[:2] == found.shape == size
