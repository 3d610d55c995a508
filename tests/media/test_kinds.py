"""What a file is follows from its content: its turn, its ending, whether it moves, and whether it is a photo at all."""
import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from bgmatting.media import PHOTO_SUFFIXES, is_animation, list_image_names, read_gray, read_image, read_photo, read_rgba
from bgmatting.media.formats import kind_of
from bgmatting.utils.errors import UserError
from tests.media.pictures import near, smooth
from tests.media.tiffs import directory, tiff

AVIF = features.check("avif")


def saved(kind, image=None, **options):
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(smooth() if image is None else image)
    image.save(file, kind, **options)
    return file.getvalue()


def heif(images, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    file, made = io.BytesIO(), pillow_heif.from_pillow(Image.fromarray(images[0]))
    for image in images[1:]:
        made.add_from_pillow(Image.fromarray(image))
    try:
        made.save(file, quality=95, **options)
    except Exception as error:  # a build that only reads
        pytest.skip(str(error))
    return file.getvalue()


def put(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def exif(kind, order, turn):
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + directory(order, {0x112: (kind, [turn])}, 8)


@pytest.mark.parametrize("suffix, kind, order", [
    *(("JPEG", kind, order) for kind in (1, 3, 4, 6, 8, 9) for order in "<>"), ("PNG", 3, "<"), ("PNG", 4, ">"),
    ("WEBP", 3, ">"), *([("AVIF", 3, "<")] if AVIF else [])])
def test_turned_whatever_type_the_number_has(tmp_path, suffix, kind, order):
    for turn, back in ((6, 1), (8, -1), (3, 2)):
        record = (b"Exif\0\0" if suffix == "JPEG" else b"") + exif(kind, order, turn)
        path = put(tmp_path, "a", saved(suffix, np.ascontiguousarray(np.rot90(smooth(), back)), exif=record))
        near(read_photo(path), smooth())
        near(read_image(path), smooth())
        near(read_gray(path), np.asarray(Image.fromarray(smooth()).convert("L")))


@pytest.mark.parametrize("turn", range(1, 9))
def test_all_turns_and_of_transparent_pictures_too(tmp_path, turn):
    rgba = np.dstack([smooth(), smooth()[..., 0]])
    image = Image.fromarray(rgba)
    image.getexif()[0x112] = turn
    from PIL import ImageOps
    wanted = np.asarray(ImageOps.exif_transpose(image))
    path = put(tmp_path, "a.png", saved("PNG", image, exif=exif(3, ">", turn)))
    rgb, pha = read_rgba(path)
    np.testing.assert_array_equal(np.dstack([rgb, pha]), wanted)
    np.testing.assert_array_equal(read_photo(path), wanted[..., :3])


def test_the_turn_of_a_heic_is_done_once(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    image, file = Image.fromarray(np.ascontiguousarray(np.rot90(smooth()))), io.BytesIO()
    try:
        pillow_heif.from_pillow(image).save(file, quality=95, exif=exif(4, ">", 6))
    except Exception as error:
        pytest.skip(str(error))
    found = read_photo(put(tmp_path, "a.heic", file.getvalue()))
    upright = pillow_heif.open_heif(io.BytesIO(file.getvalue())).to_pillow()
    near(found, np.asarray(upright), 1)


@pytest.mark.parametrize("record", [b"", b"II", b"II*\0\x08\0\0\0\xff\xff", exif(3, "<", 77), exif(3, "<", 0),
                                    b"nothing at all", b"II*\0\xff\xff\xff\xff", exif(2 + 1, "<", 6)[:14]])
def test_a_damaged_record_turns_nothing(tmp_path, record):
    np.testing.assert_array_equal(read_photo(put(tmp_path, "a.png", saved("PNG", exif=record))), smooth())


@pytest.mark.parametrize("options, mode, trailer", [
    ({}, "RGB", b""), ({"progressive": True}, "RGB", b""), ({"progressive": True}, "L", bytes(9)),
    ({"quality": 30}, "L", b""),
    ({"subsampling": 0}, "RGB", bytes(100)), ({"restart_marker_rows": 1}, "RGB", b""),
    ({}, "CMYK", b"notes of a maker")])
def test_a_whole_jpeg_without_its_end_mark(tmp_path, options, mode, trailer):
    data = saved("JPEG", Image.fromarray(smooth()).convert(mode), **options)
    wanted, notes = read_photo(put(tmp_path, "a.jpg", data)), []
    path = put(tmp_path, "b.jpg", data[:-2] + trailer)
    near(read_photo(path, notes), wanted, 1)
    near(read_image(path), wanted, 2)  # OpenCV takes CMYK otherwise
    assert len(notes) == 1 and "end mark" in notes[0]
    scan = data.index(b"\xff\xda")
    for share in (0.5, 0.7, 0.9):
        with pytest.raises(UserError, match="cut short"):
            read_photo(put(tmp_path, "c.jpg", data[:scan + int(share * (len(data) - scan))]))


def test_a_progressive_jpeg_that_lacks_its_last_scans_is_cut(tmp_path):
    data = saved("JPEG", progressive=True)
    scans = [at for at in range(len(data) - 1) if data[at:at + 2] == b"\xff\xda"]
    assert len(scans) > 4
    for end in scans[2:]:
        cut = data[:end] if data[end - 2:end] != b"\xff\xc4" else data[:end - 2]
        with pytest.raises(UserError, match="cut short"):
            read_photo(put(tmp_path, "a.jpg", cut))


def frames(count=3):
    return [Image.fromarray(np.roll(smooth(), 9 * number, 1)) for number in range(count)]


@pytest.mark.parametrize("kind, name, film", [("GIF", "GIF", True), ("PNG", "APNG", True), ("WEBP", "WebP", False),
                                              *([("AVIF", "AVIF", False)] if AVIF else [])])
def test_animations_are_no_photos(tmp_path, kind, name, film):
    first, *rest = frames()
    path = put(tmp_path, "a.jpg", saved(kind, first, save_all=True, append_images=rest, duration=100))
    assert is_animation(path) == film
    for read in (read_photo, read_image):
        with pytest.raises(UserError, match=rf"animation of 3 images \({name}\)"):
            read(path)
    single = put(tmp_path, "b.jpg", saved(kind, first, save_all=True))
    near(read_photo(single), smooth(), 12)
    assert not is_animation(single)


def test_several_pictures_of_a_heic_that_do_not_move(tmp_path):
    near(read_photo(put(tmp_path, "a.heic", heif([smooth(), 255 - smooth()], primary_index=0))), smooth())
    near(read_photo(put(tmp_path, "b.heic", heif([255 - smooth(), smooth()], primary_index=1))), smooth())


def test_a_sequence_of_heic_is_refused(tmp_path):
    moov = struct.pack(">III", 0, 0, 7)
    for name in (b"stsz", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        moov = struct.pack(">I", 8 + len(moov)) + name + moov
    data = struct.pack(">I", 24) + b"ftyphevc\0\0\0\0msf1hevc" + moov
    with pytest.raises(UserError, match=r"animation of 7 images \(HEIC\)"):
        read_photo(put(tmp_path, "a.heics", data))


def test_apples_variant_of_png_is_named(tmp_path):
    data = saved("PNG")
    path = put(tmp_path, "a.png", data[:8] + struct.pack(">I", 4) + b"CgBI" + bytes(8) + data[8:])
    for read in (read_photo, read_image):
        with pytest.raises(UserError, match="CgBI"):
            read(path)


def test_the_first_picture_of_an_mpo(tmp_path):
    first, second = Image.fromarray(smooth()), Image.fromarray(255 - smooth())
    data = saved("MPO", first, save_all=True, append_images=[second], quality=95)
    for name in ("a.mpo", "a.jpg"):
        near(read_photo(put(tmp_path, name, data)), smooth())
        near(read_image(tmp_path / name), smooth())


@pytest.mark.skipif(not AVIF, reason="this Pillow has no AVIF")
@pytest.mark.parametrize("brand", [b"mif1", b"avif", b"miaf"])
def test_avif_of_another_brand(tmp_path, brand):
    data = saved("AVIF", quality=95)
    near(read_photo(put(tmp_path, "a.avif", data[:8] + brand + data[12:])), smooth())
    near(read_image(tmp_path / "a.avif"), smooth())


def test_suffixes_of_photos(tmp_path):
    suffixes = (".jfif", ".jpe", ".mpo", ".apng", ".avif", ".heif", ".heics", ".JPG", ".heic", ".hif")
    names = [f"a{suffix}" for suffix in suffixes]
    for name in [*names, "a.mp4", "a.dng", "a.txt"]:
        (tmp_path / name).touch()
    assert list_image_names(tmp_path, PHOTO_SUFFIXES) == sorted(names)
    assert set(list_image_names(tmp_path)) == {"a.jfif", "a.jpe", "a.JPG"}


@pytest.mark.parametrize("name", ["a.mp4", "a", "a.mov", "a.txt", "a.png", "a.heic", "a.tif"])
def test_a_wrong_suffix(tmp_path, name):
    near(read_photo(put(tmp_path, name, saved("JPEG", quality=95))), smooth())


RAW = {"a.dng": tiff(smooth(), more={50706: (1, [1, 4, 0, 0])}),
       "a.cr2": b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + directory("<", {}, 16),
       "a.raf": b"FUJIFILMCCD-RAW 0201", "a.orf": b"IIRO\x08\0\0\0" + bytes(40), "a.rw2": b"IIU\0\x08\0\0\0" + bytes(40),
       "a.cr3": b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(40), "a.x3f": b"FOVb" + bytes(40),
       "a.mrw": b"\0MRM" + bytes(40)}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("shown_as", ["", ".tif", ".jpg"])
def test_raw_photos_are_never_their_thumbnails(tmp_path, name, shown_as):
    for read in (read_photo, read_image):
        with pytest.raises(UserError, match="raw photo.*export it"):
            read(put(tmp_path, name + shown_as, RAW[name]))


@pytest.mark.parametrize("order", "<>")
def test_a_thumbnail_before_the_sensor_s_picture(tmp_path, order):
    """NEF, ARW, PEF: a small image first, the sensor's in a directory below it."""
    length = len(tiff(smooth(), order=order, more={330: (4, [0]), 254: (4, [1])}))
    sub = directory(order, {254: (4, [0]), 256: (4, [640]), 257: (4, [480]), 262: (3, [32803])}, length)
    data = tiff(smooth(), order=order, more={330: (4, [length]), 254: (4, [1])}) + sub
    with pytest.raises(UserError, match="raw photo"):
        read_photo(put(tmp_path, "a.nef", data))


@pytest.mark.parametrize("data", [
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", b"DDS " + struct.pack("<I", 124) + bytes(200),
    b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(80), b"\xd7\xcd\xc6\x9a" + bytes(40),
    b"SIMPLE  =                    T" + bytes(2800),
    b"8BPS" + bytes(60), b"P6 4 4 255\n" + bytes(48), b"\0\0\1\0\1\0" + bytes(60), b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60)])
def test_other_formats_are_never_tried(tmp_path, data, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("Pillow was asked"))
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("OpenCV was asked"))
    assert kind_of(data) is None
    for read in (read_photo, read_image):
        with pytest.raises(UserError, match="not an image"):
            read(put(tmp_path, "a.png", data))
    assert not is_animation(tmp_path / "a.png")


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), MemoryError(), SyntaxError("x")])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_whatever_a_decoder_raises_is_that_file_s_failure(tmp_path, kind, error, monkeypatch):
    def fail(*_, **__):
        raise error
    path = put(tmp_path, "a.bin", saved(kind))
    for name in ("bgmatting.media.photo.PngImageFile.verify", "bgmatting.media.photo.READERS",
                 "bgmatting.media.tiff.directories", "bgmatting.media.reading.decoded"):
        monkeypatch.setattr(name, dict.fromkeys(("PNG", "GIF", "WEBP", "BMP"), fail) if name.endswith("READERS") else fail)
    for read in (read_photo, read_image):
        with pytest.raises(UserError, match="a.bin"):
            read(path)
    assert is_animation(path) is False
