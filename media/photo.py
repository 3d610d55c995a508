"""People's own photos: every usual format, upright, colours brought to sRGB, transparency left out; 8 bits, or 16."""
import io
import warnings

import cv2
import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bgmatting.media.animation import refuse_animation
from bgmatting.media.colour_profile import to_rgb, usable_profile
from bgmatting.media.exif import orientation, upright
from bgmatting.media.files import read_bytes
from bgmatting.media.formats import check_kind, check_size, declared_size, out_of_memory, pixels_only, undecodable
from bgmatting.media.heif import is_deep_avif, open_container, stated_colours
from bgmatting.media.pixels import decoded, swapped
from bgmatting.media.stated_colours import png_profile, profile_of_numbers
from bgmatting.media.tiff import read_tiff, visible
from bgmatting.media.truncated import damage_told, ended
from bgmatting.utils.errors import UserError
from bgmatting.utils.foreign import caught

# Pillow's readers by name: Image.open would try all that it has, and refuses sizes that phones make.
READERS = {"JPEG": JpegImageFile, "PNG": PngImageFile, "BMP": BmpImageFile, "WEBP": WebPImageFile, "GIF": GifImageFile}
FAST = {"JPEG": ("L", "RGB"), "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "BMP": ("L", "RGB"),
        "WEBP": ("RGB", "RGBA")}                     # formats and Pillow's modes that OpenCV reads alike, and faster
WIDE = ("RGB;16", "RGBA;16")                         # pillow-heif's modes for more than eight bits
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")      # gray of more than eight bits


def read_photo(path, notes=None):
    """Read a photo as uint8 sRGB (H, W, 3), turned upright.

    JPEG (also MPO, its first picture), PNG, BMP, TIFF, WebP, GIF of one picture, AVIF where Pillow has it, HEIC where
    pillow-heif is installed; gray, palette, CMYK and Lab; a colour profile (ICC), or what the file states about its
    colours in numbers, is converted to sRGB; then more than 8 bits are rounded to 8; alpha is left out and the colours
    beneath it are kept. The content decides about the format, not the name.

    Args:
        notes: None, or a list that remarks are added to, such as that a profile was left out.

    Raises:
        UserError: missing, a folder, a video, a raw photo, an animation or several pages, empty, cut short, damaged, larger
            than ``media.formats.LARGEST`` or than memory, or of a format whose package is not installed.
    """
    return _told(path, notes, 8)


def read_deep_photo(path, notes=None):
    """As ``read_photo``, but uint16 where the file has more than 8 bits a channel: PNG, TIFF and HEIC."""
    return _told(path, notes, 16)


def _told(path, notes, bits):
    data, found = read_bytes(path), []
    # Pillow's remarks on flawed headers, and on sizes, which are judged here; and those of libraries in C
    with warnings.catch_warnings(), caught() as said:
        warnings.simplefilter("ignore")
        try:
            rgb = _read(path, data, found, bits)
        except UserError:
            raise
        except MemoryError:
            raise out_of_memory(path) from None
        except Exception:  # decoders raise what they like for damaged files
            raise undecodable(path) from None
    found += damage_told(said)
    if notes is not None:
        notes.extend(f"{path}: {note}" for note in found)
    return rgb


def _read(path, data, notes, bits):
    kind = check_kind(path, data)
    refuse_animation(path, kind, data)
    whole, data = data, ended(path, data, notes)
    if kind == "TIFF":
        return _from_tiff(path, data, notes, bits)
    if kind in ("HEIF", "AVIF"):
        return _from_container(path, kind, data, notes, bits)
    if declared_size(data) is not None:
        check_size(path, *declared_size(data))
    picture = READERS[kind](io.BytesIO(data))
    check_size(path, *picture.size)
    if kind == "PNG":
        PngImageFile(io.BytesIO(data)).verify()  # damage shows here without libpng's own lines on the terminal
    turn = orientation(kind, data)
    stated = png_profile(data, notes) if kind == "PNG" else False
    icc = picture.info.get("icc_profile") if stated is False else stated
    is_deep = kind == "PNG" and data[24:25] == b"\x10"
    if whole is data and picture.mode in FAST.get(kind, ()) or is_deep:  # libjpeg's line on what is mended tells nothing
        is_gray = picture.mode in ("1", "L", "LA", *DEEP)
        image = swapped(decoded(path, pixels_only(data), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH))
        return upright(_converted(image, icc, notes, is_gray and stated is False, bits), turn)
    return upright(_from_pillow(picture, icc, notes, bits), turn)


def _from_tiff(path, data, notes, bits):
    stored = read_tiff(path, data)
    pixels, _ = visible(stored, 16)
    profile = usable_profile(stored.icc, stored.space, notes, bits == 16 and pixels.dtype == np.uint16)
    rgb = to_rgb(pixels, stored.space, profile, bits)
    return upright(rgb, stored.turn)


def _from_container(path, kind, data, notes, bits):
    picture, turn = open_container(path, kind, data, bits)
    if kind == "AVIF" and bits == 16 and is_deep_avif(data):
        notes.append("it has more than 8 bits a channel, of which an AVIF is read with 8 here.")
    icc = picture.info.get("icc_profile")
    if not icc and stated_colours(data) is not None:
        icc = profile_of_numbers(*stated_colours(data), notes)
    if picture.mode in WIDE:
        return upright(_converted(_full_range(picture), icc, notes, False, bits), turn)
    return upright(_from_pillow(picture, icc, notes, bits), turn)


def _full_range(picture):
    """uint16 RGB of a pillow-heif image whose numbers stand in the upper bits."""
    most = 65536 - (1 << 16 - picture.info.get("bit_depth", 16))
    return cv2.multiply(np.ascontiguousarray(np.asarray(picture)[..., :3]), (65535 / most,) * 4)


def _from_pillow(picture, icc, notes, bits):
    """sRGB of a Pillow image, not turned."""
    if picture.mode in DEEP:
        gray = np.clip(np.asarray(picture), 0, 65535).astype(np.uint16)
        return _converted(np.repeat(gray[..., None], 3, axis=2), icc, notes, True, bits)
    space = {"CMYK": "CMYK", "L": "L", "LA": "L", "1": "L", "LAB": "LAB"}.get(picture.mode, "RGB")
    pixels = np.asarray(picture if picture.mode == space else picture.convert(space))
    return to_rgb(pixels, space, usable_profile(icc, space, notes))


def _converted(rgb, icc, notes, is_gray, bits):
    """RGB, or gray as RGB, by the profile ``icc``."""
    space = "L" if is_gray else "RGB"
    profile = usable_profile(icc, space, notes, bits == 16 and rgb.dtype == np.uint16)
    if profile is None:
        return to_rgb(rgb, "RGB", bits=bits)
    return to_rgb(rgb[..., 0] if is_gray else rgb, space, profile, bits)
