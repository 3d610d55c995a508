"""Pictures of data sets: fast, at a part of their size where that suffices, colours as they are stored."""
import warnings

import cv2
import numpy as np

from bgmatting.media.animation import refuse_animation
from bgmatting.media.colour_profile import to_rgb
from bgmatting.media.exif import orientation, upright
from bgmatting.media.files import read_bytes
from bgmatting.media.formats import JPEG, check_kind, check_size, declared_size, out_of_memory, shorter_side, undecodable
from bgmatting.media.heif import open_container
from bgmatting.media.pixels import decoded, to_8_bits
from bgmatting.media.tiff import read_tiff, visible
from bgmatting.media.truncated import damage_told, ended
from bgmatting.utils.errors import UserError
from bgmatting.utils.foreign import caught

# JPEG decoding to a part of the size: the decoder leaves out what would not be seen.
REDUCED = {
    cv2.IMREAD_COLOR: {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8},
    cv2.IMREAD_GRAYSCALE: {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
                           8: cv2.IMREAD_REDUCED_GRAYSCALE_8}}

NUMBERED = 3      # a trimap whose values end here counts its classes instead of being a picture
COLOURED = 8      # gray levels by which the channels of a gray JPEG may differ


def read_image(path, least=None, notes=None):
    """Read a picture as uint8 RGB (H, W, 3), turned upright as its EXIF record says.

    Args:
        path: the file.
        least: pixels that the shorter side has to have. A JPEG with two, four or eight times as many is read at a half,
            a quarter or an eighth of its size, sides rounded up, in a fraction of the time. None: at its own size.
        notes: None, or a list that takes what the decoder says of a JPEG that is damaged and read all the same.

    Raises:
        UserError: the file is missing, is a folder, a video, an animation or a raw photo, is cut short, cannot be
            decoded, or says that it holds more than ``media.formats.LARGEST`` pixels.
    """
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR, least, notes=notes), cv2.COLOR_BGR2RGB)


def read_gray(path, least=None):
    """Read a picture as uint8 (H, W); colour is turned to luminance. Args and errors as ``read_image``."""
    return _decode(path, cv2.IMREAD_GRAYSCALE, least)


def read_rgba(path):
    """Read a picture with transparency as (rgb uint8 (H, W, 3), pha uint8 (H, W)).

    Raises:
        UserError: as ``read_image``, and where the file has no alpha channel.
    """
    image = read_stored(path)
    if image.ndim != 3 or image.shape[2] != 4:
        raise UserError(f"{path} has no alpha channel; expected an RGBA picture such as a PNG cut-out.")
    return np.ascontiguousarray(image[..., :3]), np.ascontiguousarray(image[..., 3])


def read_stored(path, bits=8):
    """Read a picture with the channels that it has: uint8 (H, W), RGB (H, W, 3) or RGBA (H, W, 4); a palette is looked up.

    Args:
        bits: 16: uint16 where a PNG or TIFF has more than 8 bits a channel.
    Raises:
        UserError: as ``read_image``.
    """
    image = _decode(path, cv2.IMREAD_UNCHANGED, bits=bits)
    image = image if bits == 16 else to_8_bits(image)
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def read_trimap(path):
    """Read a trimap as uint8 (H, W): 0 background, 255 foreground, any other value unknown.

    Raises:
        UserError: as ``read_image``, and where the picture has colours or counts its classes 0, 1, 2.
    """
    deep = read_stored(path, 16)
    stored = to_8_bits(deep)
    if stored.ndim == 3 and (stored[..., :3].max(2) - stored[..., :3].min(2)).max() > COLOURED:
        raise UserError(f"{path} is a picture in colours. A trimap is gray: 0 background, 255 foreground, 128 unknown.")
    gray, top = (image if image.ndim == 2 else image[..., 1] for image in (stored, deep))
    top = top.max()
    if 0 < top <= NUMBERED or deep.dtype == np.uint16 and 0 < top <= 255:
        said = "" if deep.dtype == np.uint8 else " of 65535, as numbers of 8 bits in a file of 16 are. Save it with 8 bits"
        raise UserError(f"{path} holds the numbers 0 to {top}{said}. A trimap has 0 for background, 255 for foreground, "
                        "and 128 for unknown.")
    return np.ascontiguousarray(gray)


def _decode(path, flags, least=None, bits=8, notes=None):
    """Gray (H, W), BGR or BGRA as OpenCV's ``flags`` say, upright."""
    data = read_bytes(path)
    with warnings.catch_warnings(), caught() as said:
        warnings.simplefilter("ignore")
        try:
            image = _decode_bytes(path, data, flags, least, bits)
        except UserError:
            raise
        except MemoryError:
            raise out_of_memory(path) from None
        except Exception:  # decoders raise what they like for damaged files
            raise undecodable(path) from None
    if notes is not None:
        notes += damage_told(said)
    return image


def _decode_bytes(path, data, flags, least, bits):
    kind = check_kind(path, data)
    refuse_animation(path, kind, data)
    if kind in ("TIFF", "HEIF", "AVIF"):
        return _as_opencv(*(_tiff(path, data, bits) if kind == "TIFF" else _container(path, kind, data)), flags)
    data = ended(path, data)
    declared = declared_size(data)
    if declared is not None:
        check_size(path, *declared)
    reduction = 1 if least is None else _reduction(data, least)
    image = decoded(path, data, REDUCED[flags][reduction] if reduction > 1 else flags)
    return upright(image, orientation(kind, data))


def _tiff(path, data, bits):
    stored = read_tiff(path, data)
    pixels, alpha = visible(stored, bits)
    rgb = to_rgb(pixels, stored.space, bits=bits) if stored.space != "L" else pixels
    return rgb, alpha if alpha is None or rgb.dtype == np.uint16 else to_8_bits(alpha), stored.turn


def _container(path, kind, data):
    image, turn = open_container(path, kind, data)
    alpha = np.asarray(image.getchannel("A")) if image.mode in ("RGBA", "LA") else None
    return np.asarray(image.convert("L" if image.mode in ("L", "LA") else "RGB")), alpha, turn


def _as_opencv(pixels, alpha, turn, flags):
    """uint8 gray or RGB, and its alpha or None, as cv2.imdecode would give it by ``flags``."""
    if flags == cv2.IMREAD_GRAYSCALE:
        made = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    elif flags == cv2.IMREAD_UNCHANGED and pixels.ndim == 2 and alpha is None:
        made = pixels
    else:
        made = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
        made = made if flags == cv2.IMREAD_COLOR or alpha is None else np.dstack([made, alpha])
    return upright(made, turn)


def _reduction(data, least):
    """The largest of 1, 2, 4, 8 that leaves a picture's shorter side ``least`` pixels; 1 for all but JPEG."""
    side = shorter_side(data) if data.startswith(JPEG) else None
    return next((part for part in (8, 4, 2) if side is not None and side >= part * least), 1)
