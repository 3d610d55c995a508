"""Images come back as they were written; flawed files are named; a file is replaced whole or not at all."""
import errno
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from bgmatting.dataset.layouts.mattes import read_pha
from bgmatting.media import list_image_names, list_images, read_gray, read_image, read_rgba, write_bytes, write_image
from bgmatting.utils.errors import UserError


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape, read", [((5, 7), read_gray), ((5, 7, 3), read_image)])
def test_png_round_trip(tmp_path, shape, read):
    image = noise(*shape)
    write_image(tmp_path / "new" / "a.png", image)
    again = read(tmp_path / "new" / "a.png")
    np.testing.assert_array_equal(again, image)
    assert again.dtype == np.uint8


def test_rgba_round_trip_keeps_colour_under_full_transparency(tmp_path):
    image = noise(5, 7, 4)
    image[..., 3] = 0
    write_image(tmp_path / "a.png", image)
    rgb, pha = read_rgba(tmp_path / "a.png")
    np.testing.assert_array_equal(rgb, image[..., :3])
    assert pha.shape == (5, 7) and not pha.any()


def test_colours_are_rgb(tmp_path):
    data = cv2.imencode(".png", np.full((2, 2, 3), (0, 0, 255), np.uint8))[1]
    (tmp_path / "red.png").write_bytes(data.tobytes())
    assert read_image(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


def test_gray_file_reads_as_rgb_and_colour_file_as_luminance(tmp_path):
    write_image(tmp_path / "gray.png", np.full((2, 3), 90, np.uint8))
    assert read_image(tmp_path / "gray.png").tolist() == [[[90] * 3] * 3] * 2
    write_image(tmp_path / "green.png", np.full((2, 3, 3), (0, 255, 0), np.uint8))
    assert read_gray(tmp_path / "green.png")[0, 0] in (149, 150)


def test_16_bit_cut_out_is_rounded_to_8(tmp_path):
    values = np.full((2, 2, 4), 65535, np.uint16)
    values[0, 0] = (128, 129, 257, 385)
    (tmp_path / "deep.png").write_bytes(cv2.imencode(".png", values)[1].tobytes())
    rgb, pha = read_rgba(tmp_path / "deep.png")
    assert rgb[0, 0].tolist() == [1, 1, 0] and pha[0, 0] == 1 and pha[1, 1] == 255


def cut(data, share=0.6):
    return data[:int(len(data) * share)]


@pytest.mark.parametrize("name, make, words", [
    ("none.png", None, "no such image"),
    ("empty.png", lambda: b"", "cannot decode"),
    ("text.jpg", lambda: b"hello", "cannot decode"),
    ("clip.mp4", lambda: b"\0" * 32, "is a video"),
    ("cut.png", lambda: cut(cv2.imencode(".png", noise(64, 64, 3))[1].tobytes()), "cut short"),
    ("cut.jpg", lambda: cut(cv2.imencode(".jpg", noise(64, 64, 3))[1].tobytes()), "cut short"),
])
def test_flawed_files_are_named(tmp_path, name, make, words):
    if make:
        (tmp_path / name).write_bytes(make())
    for read in (read_image, read_gray, read_rgba):
        with pytest.raises(UserError, match=words) as error:
            read(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)


def test_folder_as_picture(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        read_image(tmp_path)


def test_a_thumbnail_inside_does_not_hide_a_cut_and_bytes_behind_do_no_harm(tmp_path):
    jpeg = cv2.imencode(".jpg", noise(64, 64, 3))[1].tobytes()
    thumbnail = cv2.imencode(".jpg", noise(8, 8, 3))[1].tobytes()
    with_thumbnail = jpeg[:2] + b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + jpeg[2:]
    (tmp_path / "whole.jpg").write_bytes(with_thumbnail + b"\xff\xda and a trailer")
    (tmp_path / "cut.jpg").write_bytes(cut(with_thumbnail, 0.8))
    assert read_image(tmp_path / "whole.jpg").shape == (64, 64, 3)
    with pytest.raises(UserError, match="cut short"):
        read_image(tmp_path / "cut.jpg")


def test_rgba_wanted(tmp_path):
    write_image(tmp_path / "rgb.png", noise(3, 3, 3))
    with pytest.raises(UserError, match=r"rgb\.png has no alpha"):
        read_rgba(tmp_path / "rgb.png")


@pytest.mark.parametrize("alpha, channel", [(None, "luminance"), (255, "luminance"), (0, "luminance"), ("ramp", "alpha")])
def test_a_matte_lies_in_the_alpha_channel_or_else_in_the_colours(tmp_path, alpha, channel):
    colours, ramp = np.full((4, 6, 3), 90, np.uint8), np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    colours[1] = 200
    last = () if alpha is None else (ramp if alpha == "ramp" else np.full((4, 6), alpha, np.uint8),)
    write_image(tmp_path / "a.png", np.dstack([colours, *last]))
    pha = read_pha(tmp_path / "a.png")
    assert pha.dtype == np.uint8
    np.testing.assert_array_equal(pha, ramp if channel == "alpha" else colours[..., 0])


def test_mattes_of_one_channel_of_16_bits_and_of_a_palette(tmp_path):
    write_image(tmp_path / "a.png", np.array([[0, 257 * 9, 65535]], np.uint16))
    assert read_pha(tmp_path / "a.png").tolist() == [[0, 9, 255]]
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    palette.putpalette([250, 250, 250, 0, 0, 0, 128, 128, 128])
    for name, options in (("p.png", {}), ("p.tif", {}), ("t.png", {"transparency": bytes((10, 20, 30))})):
        palette.save(tmp_path / name, **options)
        wanted = [10, 20, 30] if options else [250, 0, 128]
        assert read_pha(tmp_path / name).tolist() == [wanted]
        assert read_gray(tmp_path / name).tolist() == [[250, 0, 128]]


def test_unknown_format_writes_nothing(tmp_path):
    with pytest.raises(UserError, match="'.xyz'"):
        write_image(tmp_path / "a.xyz", noise(3, 3))
    assert not list(tmp_path.iterdir())


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_bytes(tmp_path / "a.bin", b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as error:
        write_bytes(tmp_path / "a.bin", b"new")
    assert error.value.filename == str(tmp_path / "a.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"] and (tmp_path / "a.bin").read_bytes() == b"old"


def test_listing_is_sorted_nested_and_skips_what_is_hidden(tmp_path):
    for name in ("b.JPG", "a/2.png", "a/10.tiff", ".hidden.png", ".git/x.png", "note.txt", "movie.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert list_image_names(tmp_path) == ["a/10.tiff", "a/2.png", "b.JPG"]
    assert list_images(tmp_path)[2] == tmp_path / "b.JPG"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_listing_follows_links_but_not_in_circles(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.png").touch()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "set" / "round").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "gone.png").symlink_to(tmp_path / "nothing.png")
    assert list_image_names(tmp_path / "set") == ["link/a.png"]


def test_listing_a_missing_folder(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        list_image_names(tmp_path / "nowhere")
