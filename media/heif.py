"""HEIC and AVIF: photos of phones in a container like that of MP4."""
import io

from PIL import features

from media.exif import orientation_in
from media.formats import check_size
from utils.errors import UserError


def open_container(path, kind, data, bits=8):
    """The primary picture as (Pillow image, its EXIF orientation); ``image.info`` has its "icc_profile".

    Args:
        kind: "HEIF" or "AVIF". bits: 16: colours of a HEIC of more than 8 bits come in an image of pillow-heif, whose array
            has 16.
    Raises:
        UserError: too large, or the package that reads it is missing.
    """
    if kind == "HEIF":
        picture = _heif(path, data, bits)
        check_size(path, *picture.size)
        if picture.mode in ("RGB;16", "RGBA;16"):
            return picture, 1
        return picture.to_pillow(), 1  # turned by its container; what its EXIF record says does not count
    if not has_avif():
        raise UserError(f"{path} is AVIF, which takes Pillow 11.3 or newer: pip install -U pillow.")
    from PIL.AvifImagePlugin import AvifImageFile
    picture = AvifImageFile(io.BytesIO(data))
    check_size(path, *picture.size)
    picture.load()
    return picture, orientation_in(picture.info.get("exif"))  # where Pillow notes how the container is turned


def container_size(path, kind, data):
    """(width, height) of the primary picture, told by its header; None where AVIF is not read here.

    Args and errors as ``open_container``.
    """
    if kind == "HEIF":
        return _heif(path, data).size
    if not has_avif():
        return None
    from PIL.AvifImagePlugin import AvifImageFile
    return AvifImageFile(io.BytesIO(data)).size


def _heif(path, data, bits=8):
    try:
        import pillow_heif
    except ImportError:
        raise UserError(f"{path} is HEIC, which takes a package more: pip install pillow-heif.") from None
    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=bits == 8)


def has_avif():
    """Whether Pillow reads AVIF."""
    try:
        return features.check("avif")
    except ValueError:  # a Pillow that does not know the word
        return False


def sequence_length(data):
    """How many pictures the longest moving track of a HEIC or AVIF holds; 0 where nothing moves."""
    longest, at = 0, _box(data, b"moov")
    while at is not None and (at := data.find(b"stsz", at + 1)) >= 0:  # version, flags, size of all, number of samples
        longest = max(longest, int.from_bytes(data[at + 12:at + 16], "big"))
    return longest


def stated_colours(data):
    """(primaries, transfer) as ITU-T H.273 numbers them, of the container's box "colr"; None where it does not say."""
    meta = _box(data, b"meta")
    at = -1 if meta is None else data.find(b"colrnclx", meta, meta + int.from_bytes(data[meta:meta + 4], "big"))
    return None if at < 0 else tuple(int.from_bytes(data[at + shift:at + shift + 2], "big") for shift in (8, 10))


def _box(data, wanted):
    """Where the outermost box of this name begins; None where there is none."""
    at = 0
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        if name == wanted:
            return at
        if size == 1:
            size = int.from_bytes(data[at + 8:at + 16], "big")
        if size < 8:
            return None
        at += size
    return None
