"""Colours by what a profile or a file's numbers do, whatever it is called; what does not fit is left out and told."""
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from bgmatting.media import read_image, read_photo
from bgmatting.media.stated_colours import PRIMARIES, SRGB_CURVE, made_profile

PATCH = np.full((12, 16, 3), (170, 60, 40), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def curve(x):
    """Linear light as sRGB, both in 0..1."""
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)


def light(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def xyz_matrix(points):
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in np.reshape(points, (4, 2))]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def wanted(colour, gamma=None, points=PRIMARIES[1]):
    """What a colour of these primaries (with a white of D65) and this gamma is in sRGB, 0..255."""
    value = np.asarray(colour) / 255
    linear = light(value) if gamma is None else value ** gamma
    return 255 * curve(np.clip(np.linalg.solve(xyz_matrix(PRIMARIES[1]), xyz_matrix(points) @ linear), 0, 1))


def gray_profile(gamma=1.0):
    """A version 2 profile for gray."""
    parts = {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
             b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma)) + b"\0\0",
             b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"gray\0" + bytes(78) + b"\0\0\0"}
    table, body, begin = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for name, value in parts.items():
        table += name + struct.pack(">II", begin + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", begin + len(body), b"none", 0x02100000, b"mntr", b"GRAY", b"XYZ ", bytes(12),
                       b"acsp")
    return (head + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)).ljust(128, b"\0") + table + body


def renamed(icc, name):
    """A made profile that is called otherwise."""
    old = "stated in numbers".encode("utf-16-be")
    assert old in icc
    return icc.replace(old, name.ljust(len(old) // 2)[:len(old) // 2].encode("utf-16-be"))


def read(tmp_path, name, image, **options):
    notes = []
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(tmp_path / name, **options)
    return read_photo(tmp_path / name, notes), notes


@pytest.mark.parametrize("name, title", [("a.png", "sRGB"), ("a.jpg", "Linear sRGB"), ("a.tif", "anything"),
                                         ("a.webp", "sRGB")])
def test_a_linear_profile_is_applied_whatever_it_is_called(tmp_path, name, title):
    options = {"a.jpg": {"quality": 100, "subsampling": 0}, "a.webp": {"lossless": True}}.get(name, {})
    icc = renamed(made_profile(PRIMARIES[1], (1.0,)), title)
    found, notes = read(tmp_path, name, PATCH, icc_profile=icc, **options)
    assert np.abs(found[6, 8] - wanted((170, 60, 40), 1.0)).max() < 3.5 and not notes
    assert np.abs(read_image(tmp_path / name)[6, 8].astype(int) - (170, 60, 40)).max() < 3  # data sets: as stored


@pytest.mark.parametrize("points, gamma", [(PRIMARIES[12], None), (PRIMARIES[12], 2.2), (PRIMARIES[1], 1.8),
                                           (PRIMARIES[9], 2.4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_primaries_and_curves_are_converted(tmp_path, points, gamma, bits):
    icc = made_profile(points, SRGB_CURVE if gamma is None else (gamma,))
    if bits == 16:
        import tifffile
        tifffile.imwrite(tmp_path / "a.tif", PATCH.astype(np.uint16) * 257, photometric="rgb", iccprofile=icc)
        found, notes = read_photo(tmp_path / "a.tif"), []
    else:
        found, notes = read(tmp_path, "a.png", PATCH, icc_profile=icc)
    assert np.abs(found[6, 8] - wanted((170, 60, 40), gamma, points)).max() < 2.5 and not notes


def test_srgb_under_another_name_changes_nothing(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    for icc in (SRGB, renamed(made_profile(PRIMARIES[1], SRGB_CURVE), "my screen")):
        found, notes = read(tmp_path, "a.png", image, icc_profile=icc)
        np.testing.assert_array_equal(found, image)
        assert not notes


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK"])
@pytest.mark.parametrize("space", ["RGB", "gray", "damaged"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_profile_that_does_not_fit_is_left_out_with_a_note(tmp_path, mode, space, suffix):
    able = {".png": mode != "CMYK", ".tif": True, ".jpg": mode in ("RGB", "L", "CMYK")}[suffix]
    if not able:
        return
    image = Image.fromarray(PATCH)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    icc = {"RGB": made_profile(PRIMARIES[1], (1.0,)), "gray": gray_profile(), "damaged": SRGB[:90]}[space]
    plain, _ = read(tmp_path, f"plain{suffix}", image)
    found, notes = read(tmp_path, f"a{suffix}", image, icc_profile=icc)
    fits = space == {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "CMYK": "no"}.get(mode, "gray")
    if fits:
        assert not notes and (mode == "1" or found[6, 8].astype(int).sum() > plain[6, 8].astype(int).sum() + 60)
    else:
        assert len(notes) == 1 and "profile" in notes[0] and f"a{suffix}" in notes[0] and "left out" in notes[0]
        np.testing.assert_array_equal(found, plain)


def test_a_gray_profile_on_gray(tmp_path):
    gray = np.full((8, 8), 60, np.uint8)
    for name in ("a.png", "a.tif"):
        found, notes = read(tmp_path, name, gray, icc_profile=gray_profile(1.0))
        assert np.abs(found[4, 4] - 255 * curve(np.array(60 / 255))).max() < 2.5 and not notes


def png(tmp_path, *extra, image=PATCH):
    """A PNG with chunks (name, content) before its pixels, read: (colour of its middle, notes)."""
    file, notes = io.BytesIO(), []
    Image.fromarray(image).save(file, "PNG")
    data = file.getvalue()
    made = b"".join(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
                    for name, body in extra)
    (tmp_path / "a.png").write_bytes(data[:33] + made + data[33:])
    return read_photo(tmp_path / "a.png", notes)[6, 8].tolist(), notes


def gama(value):
    return b"gAMA", struct.pack(">I", round(value * 100000))


def chrm(points):
    red, green, blue, white = np.reshape(points, (4, 2))
    return b"cHRM", struct.pack(">8I", *(round(value * 100000) for point in (white, red, green, blue) for value in point))


def test_numbers_of_a_png_by_rank(tmp_path):
    stored = [170, 60, 40]
    icc = b"iCCP", b"x\0\0" + zlib.compress(made_profile(PRIMARIES[1], (1.0,)))
    linear = wanted(stored, 1.0)
    assert png(tmp_path) == (stored, [])
    assert png(tmp_path, gama(1 / 2.2)) == (stored, []) and png(tmp_path, gama(1 / 2.2), chrm(PRIMARIES[1])) == (stored, [])
    assert np.abs(png(tmp_path, gama(1.0))[0] - linear).max() < 2.5
    assert np.abs(png(tmp_path, gama(1 / 1.8), chrm(PRIMARIES[12]))[0] - wanted(stored, 1.8, PRIMARIES[12])).max() < 2.5
    assert png(tmp_path, (b"sRGB", b"\0"), gama(1.0)) == (stored, [])            # sRGB before gAMA
    assert np.abs(png(tmp_path, gama(0.2), icc)[0] - linear).max() < 2.5         # iCCP before gAMA
    cicp = b"cICP", bytes((12, 13, 0, 1))
    assert np.abs(png(tmp_path, cicp, icc)[0] - wanted(stored, None, PRIMARIES[12])).max() < 2.5  # cICP before all
    assert png(tmp_path, (b"cICP", bytes((1, 13, 0, 1))), gama(1.0)) == (stored, [])
    for chunk in ((b"cICP", bytes((9, 16, 0, 1))), gama(0), (b"cICP", bytes((77, 13, 0, 1))), (gama(1.0)[0], b"\xff" * 4)):
        found, notes = png(tmp_path, chunk)
        assert found == stored and len(notes) == 1, chunk
    assert np.abs(png(tmp_path, gama(1.0), image=PATCH[..., 1])[0] - linear[1]).max() < 2.5  # gray


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_states_its_primaries_and_has_profiles(tmp_path):
    exact = {"quality": 100, "subsampling": "4:4:4"}
    found, _ = read(tmp_path, "a.avif", PATCH, icc_profile=made_profile(PRIMARIES[12], SRGB_CURVE), **exact)
    assert np.abs(found[6, 8] - wanted((170, 60, 40), None, PRIMARIES[12])).max() < 4
    plain, _ = read(tmp_path, "b.avif", PATCH, **exact)
    assert np.abs(plain[6, 8].astype(int) - (170, 60, 40)).max() < 3
    data = (tmp_path / "b.avif").read_bytes()
    at = data.index(b"colrnclx")
    (tmp_path / "c.avif").write_bytes(data[:at + 8] + struct.pack(">HH", 12, 13) + data[at + 12:])
    assert np.abs(read_photo(tmp_path / "c.avif")[6, 8] - wanted((170, 60, 40), None, PRIMARIES[12])).max() < 4
