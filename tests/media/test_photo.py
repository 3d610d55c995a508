"""Photos of every usual kind come out as the same picture; flawed and absurd ones are told in one line."""
import io
import os
import struct
import threading
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

from bgmatting.media import encode, is_animation, read_image, read_photo, write_image
from bgmatting.utils.errors import UserError
from tests.media.pictures import near, smooth

AVIF = "avif" in features.modules and features.check("avif")


def saved(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.tif", "a.webp"])
def test_usual_formats(tmp_path, name):
    near(read_photo(saved(tmp_path / name, smooth())), smooth())


def test_heic_without_its_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(UserError, match="pip install pillow-heif"):
        read_photo(tmp_path / "a.heic")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_rounded(tmp_path, suffix):
    values = np.full((4, 5, 3), 65535, np.uint16)
    values[0, :4] = np.array([128, 129, 257 * 100 + 128, 257 * 100 + 129])[:, None]
    write_image(tmp_path / f"a{suffix}", values)
    assert read_photo(tmp_path / f"a{suffix}")[0, :, 0].tolist() == [0, 1, 100, 101, 255]
    write_image(tmp_path / f"gray{suffix}", values[..., 0])
    assert read_photo(tmp_path / f"gray{suffix}")[0].tolist() == [[v] * 3 for v in (0, 1, 100, 101, 255)]


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA"])
def test_other_modes_are_as_pillow_shows_them(tmp_path, mode):
    image = Image.fromarray(smooth())
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "a.png")
    near(read_photo(tmp_path / "a.png"), np.asarray(image.convert("RGB")), 1)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_alpha_is_left_out_and_the_colour_beneath_is_kept(tmp_path, name):
    rgba = np.dstack([smooth(), np.zeros((48, 64), np.uint8)])
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    near(read_photo(saved(tmp_path / name, rgba, **options)), smooth(), 1)


def test_cmyk(tmp_path):
    image = Image.fromarray(smooth()).convert("CMYK")
    image.save(tmp_path / "a.jpg", quality=95)
    near(read_photo(tmp_path / "a.jpg"), np.asarray(image.convert("RGB")))


def png_that_claims(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b""))


def jpeg_that_claims_the_most():
    data = bytearray(encode(".jpg", smooth()))
    frame = data.index(b"\xff\xc0")
    data[frame + 5:frame + 9] = b"\xff\xff\xff\xff"
    return bytes(data)


@pytest.mark.parametrize("data", [png_that_claims(60000, 60000), png_that_claims(2 ** 31 - 1, 2 ** 31 - 1),
                                  png_that_claims(16385, 16384), jpeg_that_claims_the_most()])
@pytest.mark.parametrize("read", [read_photo, read_image])
def test_absurd_sizes_are_refused_without_taking_memory(tmp_path, data, read):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(UserError, match="larger than any photo|megapixels") as error:
        read(tmp_path / "a.png")
    assert "\n" not in str(error.value)


def test_largest_size_that_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(png_that_claims(16384, 16384))  # allowed by its size, but damaged
    with pytest.raises(UserError, match="cannot decode"):
        read_image(tmp_path / "a.png")


FORMATS = [("a.jpg", {}), ("a.png", {}), ("a.bmp", {}), ("a.tif", {}), ("a.webp", {}), ("a.gif", {})]


@pytest.mark.parametrize("name, options", FORMATS)
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.6])
def test_cut_files_of_every_format(tmp_path, name, options, share):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = saved(tmp_path / name, noise, **options).read_bytes()
    (tmp_path / name).write_bytes(data[:int(len(data) * share)])
    with pytest.raises(UserError, match="cannot decode|cut short") as error:
        read_photo(tmp_path / name)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_flipped_bytes_of_a_png_are_noticed_without_a_line_of_the_library(tmp_path, capfd):
    data = bytearray(encode(".png", smooth()))
    data[len(data) // 2] ^= 255
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(UserError, match="cannot decode"):
        read_photo(tmp_path / "a.png")
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    found = []

    def read():
        for function in (read_photo, read_image):
            with pytest.raises(UserError, match="pipe"):
                function(tmp_path / "a.jpg")
        found.append(is_animation(tmp_path / "a.jpg"))
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert found == [False]


def test_all_kinds_of_pixels_can_be_written_and_read_by_others(tmp_path):
    rgba = np.dstack([smooth(), smooth()[..., 0]])
    for suffix, images in ((".png", (rgba, rgba[..., :3], rgba[..., 3])), (".tif", (rgba, rgba[..., :3], rgba[..., 3])),
                           (".webp", (rgba, rgba[..., :3]))):
        for image in images:
            np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode(suffix, image)))), image)
    for suffix in (".png", ".tif"):
        deep = smooth().astype(np.uint16) * 256 + 7
        write_image(tmp_path / f"a{suffix}", deep)
        found = cv2.imread(str(tmp_path / f"a{suffix}"), cv2.IMREAD_UNCHANGED)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found[..., ::-1], deep)


def test_webp_cannot_be_too_wide():
    with pytest.raises(UserError, match="16383"):
        encode(".webp", np.zeros((1, 16384), np.uint8))


@pytest.mark.skipif(not features.check("avif"), reason="needs Pillow with AVIF")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_avif_that_declares_another_size_is_not_scaled_to_it(tmp_path, mode):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8)).convert(mode).save(file, "AVIF")
    (tmp_path / "a.avif").write_bytes(file.getvalue())
    assert read_photo(tmp_path / "a.avif").shape == (37, 53, 3)
    true, false = (b"ispe\0\0\0\0" + struct.pack(">II", *size) for size in ((53, 37), (9000, 400)))
    data = file.getvalue().replace(true, false)
    assert data != file.getvalue()
    (tmp_path / "b.avif").write_bytes(data)
    with pytest.raises(UserError, match="b.avif"):
        read_photo(tmp_path / "b.avif")
