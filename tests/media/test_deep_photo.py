"""Photos of 16 bits: the profile is applied to all of them, and what is asked for deep comes deep."""
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from bgmatting.media import heif, read_deep_photo, read_photo
from bgmatting.media.colour_profile import Profile, Shaper
from bgmatting.media.heif import has_avif, is_deep_avif
from bgmatting.media.stated_colours import PRIMARIES, SRGB_CURVE, made_profile
from tests.media.test_colours import SRGB, curve, gray_profile, light, xyz_matrix

RAMP = np.linspace(0, 65535, 4096).round().astype(np.uint16)
WIDE = made_profile(PRIMARIES[9], SRGB_CURVE)


def ramp():
    """uint16 (8, 4096, 3), each channel with 4096 levels."""
    return np.repeat(np.stack((RAMP, RAMP[::-1], np.roll(RAMP, 1000)), -1)[None], 8, 0)


def true_srgb(image, points, decode):
    """What uint16 RGB is in sRGB, float in 0..65535."""
    linear = decode(image.reshape(-1, 3) / 65535) @ np.linalg.solve(xyz_matrix(PRIMARIES[1]), xyz_matrix(points)).T
    return (65535 * curve(np.clip(linear, 0, 1))).reshape(image.shape)


def png_with(path, image, icc=None):
    """A 16-bit PNG by OpenCV, with a profile's chunk put in."""
    data = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    if icc is not None:
        body = b"iCCPx\0\0" + zlib.compress(icc)
        data = data[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("points, gamma", [(PRIMARIES[9], None), (PRIMARIES[12], 2.2), (PRIMARIES[1], 1.0)])
def test_a_profile_is_applied_to_16_bits(tmp_path, suffix, points, gamma):
    icc = made_profile(points, SRGB_CURVE if gamma is None else (gamma,))
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        png_with(path, ramp(), icc)
    else:
        tifffile.imwrite(path, ramp(), photometric="rgb", iccprofile=icc)
    found = read_deep_photo(path)
    truth = true_srgb(ramp(), points, light if gamma is None else lambda x: x ** gamma)
    assert found.dtype == np.uint16 and found.shape == (8, 4096, 3)
    assert np.abs(found - truth).max() < 80  # of 65535: a third of a step of 8 bits; the white of profiles is rounded
    rounded = read_photo(path)
    assert rounded.dtype == np.uint8 and np.abs(rounded - truth / 257).max() < 0.5 + 80 / 257


def test_dark_steps_that_8_bits_cannot_tell_apart(tmp_path):
    """Linear light: the darkest of 8 bits is 13 in sRGB; of 16 bits all values between are there."""
    icc = made_profile(PRIMARIES[1], (1.0,))
    image = np.repeat(np.arange(0, 514, dtype=np.uint16)[None, :, None], 3, 2).repeat(4, 0)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", iccprofile=icc)
    assert len(np.unique(read_photo(tmp_path / "a.tif")[..., 1])) >= 20
    assert len(np.unique(read_deep_photo(tmp_path / "a.tif")[..., 1])) > 500


@pytest.mark.parametrize("icc", [None, SRGB])
def test_without_a_profile_nothing_changes(tmp_path, icc):
    for path in (png_with(tmp_path / "a.png", ramp(), icc), tmp_path / "a.tif"):
        if path.suffix == ".tif":
            tifffile.imwrite(path, ramp(), photometric="rgb", iccprofile=icc)
        np.testing.assert_array_equal(read_deep_photo(path), ramp())
        np.testing.assert_array_equal(read_photo(path), np.rint(ramp() / 257).astype(np.uint8))


def test_gray_of_16_bits(tmp_path):
    gray = np.repeat(RAMP[None], 8, 0)
    tifffile.imwrite(tmp_path / "a.tif", gray, iccprofile=gray_profile(1.0))
    tifffile.imwrite(tmp_path / "b.tif", gray)
    found = read_deep_photo(tmp_path / "a.tif")
    assert np.abs(found[3, :, 1] - 65535 * curve(RAMP / 65535)).max() < 8
    np.testing.assert_array_equal(read_deep_photo(tmp_path / "b.tif")[..., 2], gray)


def test_alpha_multiplied_in_is_divided_out_at_16_bits(tmp_path):
    alpha = np.full((8, 4096, 1), 32768, np.uint16)
    colours = (ramp() // 2).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([colours, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    assert np.abs(read_deep_photo(tmp_path / "a.tif").astype(int) - ramp()).max() <= 2


def test_what_has_8_bits_stays_so(tmp_path):
    Image.new("RGB", (9, 7), (10, 20, 30)).save(tmp_path / "a.png", icc_profile=WIDE)
    Image.new("RGB", (9, 7), (10, 20, 30)).save(tmp_path / "a.jpg")
    Image.new("CMYK", (9, 7), (10, 20, 30, 0)).save(tmp_path / "a.tif")
    for name in ("a.png", "a.jpg", "a.tif"):
        found = read_deep_photo(tmp_path / name)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, read_photo(tmp_path / name))


def test_heic_of_10_bits(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    gray = np.repeat(np.linspace(0, 65535, 1024).astype(np.uint16)[None], 64, 0)
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (1024, 64), np.dstack([gray] * 3).tobytes()).save(file, quality=-1, chroma=444)
    (tmp_path / "a.heic").write_bytes(file.getvalue())
    found = read_deep_photo(tmp_path / "a.heic")
    assert found.dtype == np.uint16 and len(np.unique(found[..., 1])) > 900 and found.max() > 65500
    assert np.abs(found.astype(int) - np.dstack([gray] * 3)).max() < 3 * 64
    assert read_photo(tmp_path / "a.heic").dtype == np.uint8


@pytest.mark.parametrize("kind, numbers, decode", [
    (0, (2.2,), lambda x: x ** 2.2),
    (1, (2.0, 1.25, -0.25), lambda x: np.maximum(1.25 * x - 0.25, 0) ** 2),
    (2, (2.0, 1.2, -0.2, 0.0), lambda x: np.maximum(1.2 * x - 0.2, 0) ** 2),
    (3, SRGB_CURVE, light),
    (4, (2.0, 0.9, 0.05, 0.3, 0.1, 0.01, 0.0), lambda x: np.where(x >= 0.1, (0.9 * x + 0.05) ** 2 + 0.01, 0.3 * x))])
def test_curves_of_every_kind_agree_with_littlecms(kind, numbers, decode):
    """By formula, and with what littleCMS makes of 8 bits."""
    profile = Profile(bent(kind, numbers), "RGB")
    eight = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    deep = profile.apply(eight.astype(np.uint16) * 257, 16)
    truth = 65535 * curve(np.clip(decode(np.arange(256) / 255), 0, 1))
    assert np.abs(deep[0, :, 1] - truth).max() < 80
    assert np.abs(deep / 257 - profile.apply(eight)).max() < 3


def bent(kind, numbers):
    """A profile of sRGB's primaries with a parametric curve."""
    icc, entries, body = made_profile(PRIMARIES[1], (1.0,)), [], b""
    tag = b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(struct.pack(">i", round(x * 65536)) for x in numbers)
    for at in range(132, 132 + 12 * icc[131], 12):
        name, begin, size = struct.unpack(">4sII", icc[at:at + 12])
        value = tag if name.endswith(b"TRC") else icc[begin:begin + size]
        entries.append((name, len(body), len(value)))
        body += value + bytes(-len(value) % 4)
    start = 132 + 12 * len(entries)
    made = icc[:132] + b"".join(struct.pack(">4sII", name, start + at, size) for name, at, size in entries) + body
    return struct.pack(">I", len(made)) + made[4:]


def test_a_profile_that_is_a_table_is_left_to_littlecms():
    icc = bytearray(WIDE)
    assert Shaper.of(bytes(icc), "RGB") is not None
    icc[132:136] = b"A2B0"
    assert Shaper.of(bytes(icc), "RGB") is None
    assert Shaper.of(bent(2, (2.0, 0.9, 0.05, 0.02)), "RGB") is None  # its black is not 0
    assert Shaper.of(bent(0, (2.0,)), "RGB") is not None
    assert Shaper.of(WIDE, "CMYK") is None and Shaper.of(WIDE[:140], "RGB") is None and Shaper.of(b"", "RGB") is None


def test_an_avif_of_more_bits_says_that_8_are_read(tmp_path, monkeypatch):
    if not has_avif():
        pytest.skip("no AVIF in this Pillow")
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / "a.avif")
    data, notes = bytearray((tmp_path / "a.avif").read_bytes()), []
    assert not is_deep_avif(bytes(data)) and read_deep_photo(tmp_path / "a.avif", notes).dtype == np.uint8 and notes == []
    data[data.find(b"av1C") + 6] |= 0x40
    assert is_deep_avif(bytes(data))
    monkeypatch.setattr(heif, "is_deep_avif", lambda data: True)  # decoders know better than such a header
    read_photo(tmp_path / "a.avif", notes)
    assert notes == []  # nobody asked for more
    read_deep_photo(tmp_path / "a.avif", notes)
    assert len(notes) == 1 and "more than 8 bits" in notes[0]


def test_a_table_says_that_it_takes_8_bits(tmp_path):
    icc = bytearray(made_profile(PRIMARIES[9], (2.2,)))
    icc[132:136] = b"A2B9"  # a name that littleCMS does not look for
    for name, bits, said in (("a.png", 16, True), ("b.tif", 16, True), ("a.png", 8, False)):
        if name == "a.png":
            png_with(tmp_path / name, ramp(), bytes(icc))
        else:
            tifffile.imwrite(tmp_path / name, ramp(), photometric="rgb", iccprofile=bytes(icc))
        notes = []
        (read_deep_photo if bits == 16 else read_photo)(tmp_path / name, notes)
        assert any("is a table" in note for note in notes) == said, (name, notes)
