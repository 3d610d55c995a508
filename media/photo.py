"""People's own photos: every usual format, upright, eight bits, colours brought to sRGB, transparency left out."""
import io
import os
import struct
import warnings

import cv2
import numpy as np
from PIL import Image, ImageOps, features

from media.colour_profile import array_to_srgb, embedded_profile, profile_mode, to_srgb
from media.files import read_bytes
from media.formats import BITS, ORIENTATION, check_size, check_whole, undecodable
from media.reading import imdecode, to_8_bits
from utils.errors import UserError

FAST = {"JPEG": ("L", "RGB"), "MPO": ("L", "RGB"),  # Pillow's formats and modes that OpenCV reads alike, and faster
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "BMP": ("L", "RGB"), "WEBP": ("RGB", "RGBA")}
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")     # gray of more than eight bits
DAMAGED = (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError, struct.error)
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def read_photo(path):
    """Read a photo as uint8 sRGB (H, W, 3), turned upright.

    JPEG, PNG, BMP, TIFF, WebP, GIF of one picture, AVIF where Pillow has it, HEIC where pillow-heif is installed; gray,
    palette and CMYK; 16 bits are rounded to 8; a colour profile (ICC) is converted to sRGB; alpha is left out and the
    colours beneath it are kept. The content decides about the format, not the name.

    Raises:
        UserError: missing, a folder, a video, an animation, empty, cut short, damaged, larger than
            ``media.formats.LARGEST``, or of a format whose package is not installed.
    """
    data = read_bytes(path)
    check_whole(path, data)
    with warnings.catch_warnings():  # Pillow's remarks on flawed headers, and on sizes, which are judged here
        warnings.simplefilter("ignore")
        try:
            picture = _opened(path, data)
            if picture is None:
                return _by_opencv(path, data)
            check_size(path, *picture.size)
            _refuse_animation(path, picture)
            if picture.mode == "F":
                raise UserError(f"{path} holds 32-bit numbers of unknown range. Save it with 8 or 16 bits.")
            if picture.format == "PNG":
                Image.open(io.BytesIO(data)).verify()  # damage shows here without libpng's own lines on the terminal
            profile = embedded_profile(picture.info.get("icc_profile"))
            if _opencv_reads(data, picture, profile):
                rgb = _by_opencv(path, data)
                return rgb if profile is None else array_to_srgb(rgb, profile)
            return _by_pillow(picture, profile)
        except UserError:
            raise
        except Image.DecompressionBombError:
            raise UserError(f"{path} says that it is larger than any photo. Save it smaller.") from None
        except MemoryError:
            raise UserError(f"{path} needs more memory than there is. Save it smaller.") from None
        except DAMAGED:
            raise undecodable(path) from None


def is_animation(path):
    """True for a GIF of several pictures. False also where there is no such file, or none that can be read."""
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return picture.format == "GIF" and picture.n_frames > 1
    except (*DAMAGED, Image.DecompressionBombError):
        return False


def _opened(path, data):
    """The Pillow image, not decoded yet; None where Pillow does not know the format, for OpenCV to try."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return _opened_heif(path, data)
    try:
        return Image.open(io.BytesIO(data))
    except Image.UnidentifiedImageError:
        if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis") and not _has_avif():
            raise UserError(f"{path} is AVIF, which takes Pillow 11.3 or newer: pip install -U pillow.") from None
        return None


def _has_avif():
    try:
        return features.check("avif")
    except ValueError:  # a Pillow that does not know the word
        return False


def _opened_heif(path, data):
    try:
        import pillow_heif
    except ImportError:
        raise UserError(f"{path} is HEIC, which takes a package more: pip install pillow-heif.") from None
    picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    check_size(path, *picture.size)
    return picture.to_pillow()


def _refuse_animation(path, picture):
    if picture.format in ("GIF", "WEBP") and getattr(picture, "is_animated", False):
        as_video = "as a video it is a --src by itself" if picture.format == "GIF" else "convert it to MP4"
        raise UserError(f"{path} is an animation of {picture.n_frames} pictures, not a photo; {as_video}.")


def _opencv_reads(data, picture, profile):
    """Whether OpenCV gives the same pixels, upright, as RGB in the profile's own colour space."""
    if profile is not None and profile_mode(profile) != "RGB":
        return False
    if picture.format == "PNG" and data[24:25] == b"\x10":
        return True
    if picture.format == "TIFF":  # OpenCV darkens colours under alpha; Pillow cuts 16 bits
        return max(picture.tag_v2.get(BITS, (1,))) == 16
    if picture.mode not in FAST.get(picture.format, ()):
        return False
    return picture.format in ("JPEG", "MPO") or "exif" not in picture.info or picture.getexif().get(ORIENTATION, 1) == 1


def _by_opencv(path, data):
    image = imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise undecodable(path)
    check_size(path, image.shape[1], image.shape[0])
    return cv2.cvtColor(to_8_bits(image) if image.dtype == np.uint16 else image, cv2.COLOR_BGR2RGB)


def _by_pillow(picture, profile):
    image = ImageOps.exif_transpose(picture)
    if image.mode in DEEP:
        return np.repeat(to_8_bits(np.clip(np.asarray(image), 0, 65535).astype(np.uint16))[..., None], 3, axis=2)
    if profile is not None and profile_mode(profile) is not None:
        return to_srgb(_in_mode(image, profile_mode(profile)), profile)
    return np.array(image.convert("RGB"))


def _in_mode(image, mode):
    return image if image.mode == mode else image.convert(mode)
