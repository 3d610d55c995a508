"""TIFFs of every kind come out with the right values, or are refused with the true reason."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, features

from bgmatting.dataset.layouts.mattes import read_pha
from bgmatting.media import read_gray, read_image, read_photo, read_rgba
from bgmatting.utils.errors import UserError
from tests.media.tiffs import tiff

COLOURS = np.random.default_rng(5).integers(0, 256, (37, 41, 4), dtype=np.uint8)
RGB = COLOURS[..., :3]
LAYOUTS = [{}, {"order": ">"}, {"big": True}, {"big": True, "order": ">"}, {"planar": True}, {"tile": 16},
           {"tile": 16, "planar": True, "order": ">"}, {"deflate": True}, {"deflate": True, "predictor": True},
           {"deflate": True, "predictor": True, "planar": True, "order": ">"},
           {"deflate": True, "predictor": True, "tile": 16, "big": True, "order": ">"}]


def photo(tmp_path, data, notes=None):
    (tmp_path / "a.tif").write_bytes(data)
    return read_photo(tmp_path / "a.tif", notes)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("bits", [8, 16])
def test_rgb_in_every_layout(tmp_path, layout, bits):
    samples = RGB if bits == 8 else RGB.astype(np.uint16) * 257
    np.testing.assert_array_equal(photo(tmp_path, tiff(samples, bits, **layout)), RGB)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16, 32])
def test_gray_of_any_depth_is_no_negative(tmp_path, bits, photometric, order):
    values = np.random.default_rng(bits).integers(0, 2 ** bits, (19, 23, 1), dtype=np.uint32)
    shown = values if photometric else 2 ** bits - 1 - values.astype(np.int64)
    found = photo(tmp_path, tiff(values, bits, photometric, order))
    assert np.abs(found - shown * (255 / (2 ** bits - 1))).max() <= (0.502 if bits < 32 else 0.51)
    np.testing.assert_array_equal(read_gray(tmp_path / "a.tif"), found[..., 0])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("extra", [[0], [1], [2], [0, 2], [0, 0, 0, 1]])
@pytest.mark.parametrize("planar", [False, True])
def test_samples_beyond_the_colours(tmp_path, extra, bits, planar):
    scale, count = (1, 3 + len(extra)) if bits == 8 else (257, 3 + len(extra))
    samples = np.random.default_rng(1).integers(0, 256, (20, 22, count), dtype=np.uint8)
    place = 3 + next((at for at, kind in enumerate(extra) if kind), 0)
    samples[..., place] = np.arange(22) * 11 + 20
    if 1 in extra:  # colours multiplied by alpha
        samples[..., :3] = np.rint(samples[..., :3] * (samples[..., place:place + 1] / 255))
    found = photo(tmp_path, tiff(samples.astype(np.uint16) * scale, bits, planar=planar, more={338: (3, extra)}))
    colours = samples[..., :3].astype(float)
    if 1 in extra:
        colours = np.minimum(colours * 255 / samples[..., place:place + 1], 255)
    assert np.abs(found - colours).max() <= 0.51
    rgb, pha = read_rgba(tmp_path / "a.tif")
    np.testing.assert_array_equal(rgb, found)
    np.testing.assert_array_equal(pha, samples[..., place])


def test_gray_with_alpha_holds_its_matte_there(tmp_path):
    samples = np.dstack([np.full((4, 20), 90, np.uint8), np.tile(np.arange(20, dtype=np.uint8) * 12, (4, 1))])
    (tmp_path / "a.tif").write_bytes(tiff(samples, photometric=1, more={338: (3, [2])}))
    pha = read_pha(tmp_path / "a.tif")
    assert pha[0].tolist() == list(range(0, 240, 12))
    assert (photo(tmp_path, tiff(samples, photometric=1, more={338: (3, [2])})) == 90).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette(tmp_path, bits):
    table = np.random.default_rng(2).integers(0, 256, (3, 2 ** bits))
    values = np.random.default_rng(3).integers(0, 2 ** bits, (11, 13, 1))
    for scale in (257, 1):  # some programs write bytes
        found = photo(tmp_path, tiff(values, bits, 3, more={320: (3, (table * scale).reshape(-1).tolist())}))
        np.testing.assert_array_equal(found, table.T[values[..., 0]])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("planar", [False, True])
def test_cmyk_with_and_without_more(tmp_path, bits, count, planar):
    inks = np.random.default_rng(4).integers(0, 256, (15, 17, count), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(np.ascontiguousarray(inks[..., :4]), "CMYK").convert("RGB"))
    samples = inks.astype(np.uint16) * (257 if bits == 16 else 1)
    found = photo(tmp_path, tiff(samples, bits, 5, planar=planar, more={338: (3, [2])} if count == 5 else None))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("photometric, bits", [(8, 8), (8, 16), (9, 8), (9, 16)])
def test_lab(tmp_path, photometric, bits):
    rgb = np.array([[[255, 255, 255], [0, 0, 0], [200, 60, 50], [40, 120, 200], [90, 90, 90]]], np.uint8)
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    raw = np.frombuffer(ImageCms.applyTransform(Image.fromarray(rgb), to_lab).tobytes(), np.uint8).reshape(1, 5, 3)
    signed = raw[..., 1:].view(np.int8).astype(int)
    light = raw[..., :1].astype(int)
    if bits == 8:
        samples = np.concatenate([light, (signed & 255) if photometric == 8 else signed + 128], axis=2)
    elif photometric == 8:
        samples = np.concatenate([light * 257, signed * 256 & 65535], axis=2)
    else:
        samples = np.concatenate([light * 65280 // 255, signed * 256 + 32768], axis=2)
    assert np.abs(photo(tmp_path, tiff(samples, bits, photometric)).astype(int) - rgb).max() <= 3


def written(image, compression, **options):
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression, **options)
    return file.getvalue()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "tiff_deflate"])
def test_packed_by_other_programs(tmp_path, compression):
    if compression == "zstd" and not features.check("libtiff"):
        pytest.skip("no libtiff")
    np.testing.assert_array_equal(photo(tmp_path, written(Image.fromarray(RGB), compression)), RGB)
    gray = Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)
    np.testing.assert_array_equal(photo(tmp_path, written(gray, compression))[..., 1], RGB[..., 0])


def test_lzw_with_16_bits_and_a_predictor(tmp_path):
    deep = RGB.astype(np.uint16) * 257
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, 2]
    data = cv2.imencode(".tif", deep[..., ::-1], options)[1].tobytes()
    np.testing.assert_array_equal(photo(tmp_path, data), RGB)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_inside(tmp_path, mode):
    y, x = np.mgrid[:64, :80]
    smooth = Image.fromarray(np.stack([3 * x, 4 * y, 2 * (x + y) % 256], -1).astype(np.uint8)).convert(mode)
    found = photo(tmp_path, written(smooth, "jpeg", quality=95))
    assert np.abs(found.astype(int) - np.asarray(smooth.convert("RGB"))).mean() < 4


def test_fax_is_black_on_white(tmp_path):
    dots = Image.fromarray(((np.arange(64) // 9 % 2)[None].repeat(32, 0) * 255).astype(np.uint8)).convert("1")
    for compression in ("group3", "group4"):
        np.testing.assert_array_equal(photo(tmp_path, written(dots, compression))[..., 0], np.asarray(dots) * 255)


@pytest.mark.parametrize("more, bits, words", [
    ({339: (3, [3] * 3)}, 32, "32-bit floating"), ({339: (3, [3] * 3)}, 16, "16-bit floating"),
    ({339: (3, [2] * 3)}, 16, "signed"), ({258: (3, [5, 6, 5])}, 8, "5, 6 bits"), ({262: (3, [32803])}, 16, "raw photo"),
    ({50706: (1, [1, 4, 0, 0])}, 8, "raw photo"), ({262: (3, [34892])}, 16, "raw photo"), ({254: (4, [1])}, 8, "small copy"),
    ({262: (3, [6])}, 8, "photometric|coding"), ({259: (3, [34887])}, 8, "compression 34887"),
    ({262: (3, [5]), 332: (3, [2])}, 8, "inks|cannot decode"), ({273: None}, 8, "cut short"),
    ({278: (4, [0])}, 8, "cut short|cannot"),
    ({256: (4, [2 ** 31])}, 8, "megapixels"), ({279: (4, [5] * 6)}, 8, "cut short")])
def test_refused_with_the_true_reason(tmp_path, more, bits, words):
    for read in (read_photo, read_image):
        (tmp_path / "a.tif").write_bytes(tiff(RGB.astype(np.uint32), bits, more=more))
        with pytest.raises(UserError, match=words) as error:
            read(tmp_path / "a.tif")
        assert "\n" not in str(error.value) and "a.tif" in str(error.value)


def test_pages_are_refused_and_small_copies_passed_over(tmp_path):
    page, small = Image.fromarray(RGB), Image.fromarray(RGB[::2, ::2])
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[small])
    with pytest.raises(UserError, match="2 pages"):
        read_photo(tmp_path / "pages.tif")
    for first, second in ((page, small), (small, page)):
        for image in (first, second):
            image.encoderinfo = {}
        small.encoderinfo = {"tiffinfo": {254: 1}}
        file = io.BytesIO()
        from PIL import TiffImagePlugin
        with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
            for image in (first, second):
                image.save(writer, "TIFF", tiffinfo={254: 1} if image is small else {})
                writer.newFrame()
        np.testing.assert_array_equal(photo(tmp_path, file.getvalue()), RGB)
