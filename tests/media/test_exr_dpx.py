"""OpenEXR and DPX: what is read is what is written, to the half float; what is no plate is refused."""
import sys
from fractions import Fraction

import numpy as np
import pytest

from bgmatting.media.exr_dpx import Facts, frame_rate, off_curve, on_curve, read_plate, write_exr
from bgmatting.utils.errors import UserError

ACES = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)


@pytest.fixture
def oiio():
    return pytest.importorskip("OpenImageIO")


def light(*shape):
    """Half floats as cameras and renderers give them, from below 0 to far above white."""
    values = np.random.default_rng(5).lognormal(-1, 2, shape)
    values.ravel()[:3] = 0, -0.02, 60000
    return values.astype(np.float16)


def write(oiio, path, pixels, names=None, window=None, **attributes):
    """Write numbers (H, W, C) with OpenImageIO; ``window``: (x, y) of the data, (width, height) of the display."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2],
                          {"float16": "half", "uint32": "uint"}.get(pixels.dtype.name, pixels.dtype.name))
    if names:
        spec.channelnames = names
    if window:
        (spec.x, spec.y), (spec.full_width, spec.full_height) = window
    for name, value in attributes.items():
        spec.attribute(name.replace("_", ":"), *(value if isinstance(value, tuple) else (value,)))
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec) and file.write_image(pixels) and file.close()


def read_back(oiio, path):
    """(float16 (H, W, C), spec) without this project's reader."""
    file = oiio.ImageInput.open(str(path))
    spec = file.spec()
    return file.read_image(0, 0, 0, spec.nchannels, oiio.FLOAT).astype(np.float16), spec


def test_the_curve_is_undone_beyond_black_and_white():
    values = light(1000).astype(np.float32)
    assert np.array_equal(off_curve(on_curve(values)).astype(np.float16), values.astype(np.float16))
    assert on_curve(np.float32([0, 0.5, 1])) == pytest.approx([0, 0.735357, 1], abs=1e-5)


@pytest.mark.parametrize("chromaticities", [None, ACES])
def test_round_trip_to_the_half_float(oiio, tmp_path, chromaticities):
    pixels = light(7, 9, 3)
    stated = {} if chromaticities is None else {"chromaticities": ("float[8]", chromaticities)}
    write(oiio, tmp_path / "a.exr", pixels, PixelAspectRatio=2.0, FramesPerSecond=("rational", (24000, 1001)), **stated)
    coded, facts = read_plate(tmp_path / "a.exr")
    assert facts[:5] == (9, 7, Fraction(2), Fraction(24000, 1001), 16) and (facts.chromaticities is None) == (not stated)
    write_exr(tmp_path / "b.exr", off_curve(coded), facts)
    again, spec = read_back(oiio, tmp_path / "b.exr")
    step = np.spacing(np.abs(pixels)) if chromaticities is None else np.spacing(np.abs(pixels).max(2, keepdims=True))
    assert (np.abs(again.astype(float) - pixels.astype(float)) <= step).all()
    assert str(spec.format) == "half" and spec.channelnames == ("R", "G", "B")
    assert spec.get_float_attribute("PixelAspectRatio") == 2 and spec.getattribute("FramesPerSecond") == (24000, 1001)
    assert read_plate(tmp_path / "b.exr")[1] == facts


def test_mattes_and_cut_outs(oiio, tmp_path):
    for shape, names in (((4, 5), ("Y",)), ((4, 5, 4), ("R", "G", "B", "A"))):
        image = np.random.default_rng(1).random(shape).astype(np.float32)
        write_exr(tmp_path / "a.exr", image, Facts(5, 4))
        again, spec = read_back(oiio, tmp_path / "a.exr")
        assert spec.channelnames == names and np.array_equal(again.reshape(shape), image.astype(np.float16))
    image[0, 0, 3] = 0
    write_exr(tmp_path / "a.exr", image, Facts(5, 4))
    premultiplied = off_curve(read_plate(tmp_path / "a.exr", True)[0])
    straight = off_curve(read_plate(tmp_path / "a.exr")[0])
    alpha = np.maximum(image[..., 3:].astype(np.float16).astype(np.float32), 1e-6)
    assert np.allclose(premultiplied[1:] * alpha[1:], straight[1:], rtol=1e-4)
    assert np.allclose(premultiplied[0, 0], straight[0, 0])


def test_the_data_window_lies_within_the_display_window(oiio, tmp_path):
    pixels = np.abs(light(4, 5, 3))
    write(oiio, tmp_path / "a.exr", pixels, window=((2, 1), (8, 7)))
    shown = off_curve(read_plate(tmp_path / "a.exr")[0]).astype(np.float16)
    assert shown.shape == (7, 8, 3) and np.array_equal(shown[1:5, 2:7], pixels)
    assert shown.astype(float).sum() == shown[1:5, 2:7].astype(float).sum()
    write(oiio, tmp_path / "b.exr", pixels, window=((-1, -2), (3, 6)))  # overscan is cut
    shown = off_curve(read_plate(tmp_path / "b.exr")[0]).astype(np.float16)
    assert np.array_equal(shown[:2], pixels[2:, 1:4]) and not shown[2:].any()


def test_other_channels_are_passed_over_and_luminance_is_gray(oiio, tmp_path):
    pixels = np.abs(light(3, 4, 5))
    write(oiio, tmp_path / "a.exr", pixels, ("R", "G", "B", "A", "Z"))
    assert np.array_equal(off_curve(read_plate(tmp_path / "a.exr")[0]).astype(np.float16), pixels[..., :3])
    write(oiio, tmp_path / "y.exr", pixels[..., :1].copy(), ("Y",))
    assert np.array_equal(off_curve(read_plate(tmp_path / "y.exr")[0]).astype(np.float16), np.repeat(pixels[..., :1], 3, 2))


@pytest.mark.parametrize("names, words", [
    (("beauty.R", "beauty.G", "beauty.B"), "beauty.R"), (("R", "G", "Z"), "R, G, Z"), (("Y", "RY", "BY"), "channels")])
def test_odd_channels_are_refused(oiio, tmp_path, names, words):
    write(oiio, tmp_path / "a.exr", light(3, 4, 3), names)
    with pytest.raises(UserError, match=words):
        read_plate(tmp_path / "a.exr")


def test_parts_integers_and_damage_are_refused(oiio, tmp_path):
    spec, pixels = oiio.ImageSpec(4, 3, 3, oiio.HALF), light(3, 4, 3)
    file = oiio.ImageOutput.create(str(tmp_path / "parts.exr"))
    assert file.open(str(tmp_path / "parts.exr"), (spec, spec)) and file.write_image(pixels)
    assert file.open(str(tmp_path / "parts.exr"), spec, "AppendSubimage") and file.write_image(pixels) and file.close()
    write(oiio, tmp_path / "numbers.exr", np.zeros((3, 4, 3), np.uint32))
    write(oiio, tmp_path / "whole.exr", light(64, 64, 3))
    data = (tmp_path / "whole.exr").read_bytes()
    (tmp_path / "cut.exr").write_bytes(data[:len(data) // 2])
    (tmp_path / "none.exr").write_bytes(b"no plate")
    for name, words in (("parts", "2 parts"), ("numbers", "integers"), ("cut", "ut short"), ("none", "none"),
                        ("gone", "no such")):
        with pytest.raises(UserError, match=words):
            read_plate(tmp_path / f"{name}.exr")


@pytest.mark.parametrize("transfer, white", [("ITU-R 709-4", 1023), ("Logarithmic", 685)])
def test_dpx(oiio, tmp_path, transfer, white):
    code = np.array([95, white, 300], np.uint32)
    pixels = np.repeat(np.rint(code * 65535 / 1023).astype(np.uint16)[None, :, None], 3, 2)
    write(oiio, tmp_path / "a.dpx", pixels, oiio_BitsPerSample=10, dpx_Transfer=transfer)
    coded, facts = read_plate(tmp_path / "a.dpx")
    assert facts.depth == 10 and coded[0, 1] == pytest.approx(1, abs=2e-3)
    black = 0 if transfer == "Logarithmic" else 95 / 1023
    assert coded[0, 0] == pytest.approx(black, abs=2e-3) and black < coded[0, 2, 0] < 1


def test_the_package_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    with pytest.raises(UserError, match="pip install OpenImageIO"):
        read_plate(tmp_path / "a.exr")


def test_frame_rates():
    assert [frame_rate(text) for text in ("24", "23.976", "24000/1001", 29.97, 12.5)] == [
        24, Fraction(24000, 1001), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25, 2)]
    for text in ("0", "-1", "x", "nan", "2000"):
        with pytest.raises(ValueError):
            frame_rate(text)
