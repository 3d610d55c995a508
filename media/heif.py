"""HEIC and AVIF: photos of phones in a container like that of MP4."""
import contextlib
import io

from PIL import features

from bgmatting.media.exif import orientation_in
from bgmatting.media.formats import check_size, undecodable
from bgmatting.utils.errors import UserError

SEQUENCE = b"\x12\x00\x0a"  # how AV1 data begin: a delimiter, and the head of a sequence header, whose length follows
ALIGNED = 8                # pixels by which a coded picture may be larger


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
    if _is_misdeclared(data):
        raise undecodable(path)
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


def _is_misdeclared(data):
    """Whether an AVIF says another size than its pictures have; it would be scaled to that, whatever it takes."""
    coded, declared, at = _coded_sizes(data), [], data.find(b"ispe")
    while at >= 0:
        declared.append(tuple(int.from_bytes(data[at + shift:at + shift + 4], "big") for shift in (8, 12)))
        at = data.find(b"ispe", at + 1)
    return bool(coded) and not any(abs(width - one) <= ALIGNED and abs(height - other) <= ALIGNED
                                   for width, height in declared for one, other in coded)


def _coded_sizes(data):
    """{(width, height)} of the AV1 pictures that an AVIF holds, as their sequence headers say (AV1, section 5.5)."""
    found, at = set(), data.find(SEQUENCE)
    while at >= 0:
        begin = at + len(SEQUENCE)
        with contextlib.suppress(ValueError, IndexError):
            found.add(_sequence_size(data[begin + 1:begin + 1 + data[begin]]))
        at = data.find(SEQUENCE, begin)
    return found


def _sequence_size(header):
    """(width, height) of a sequence header. Raises ValueError where it is cut short, or of a film's kind."""
    bits = "".join(f"{byte:08b}" for byte in header)
    at = 5 + 5  # profile, still picture, reduced header; level
    if bits[4] == "0":
        if bits[5:12] != "0" * 7:  # timing, delay, several operating points
            raise ValueError("not of a still picture")
        at = 5 + 2 + 5 + 12 + 5 + (int(bits[24:29], 2) > 7)
    sides = [int(bits[at + 4 * number:at + 4 * number + 4], 2) + 1 for number in range(2)]
    at += 8
    return int(bits[at:at + sides[0]], 2) + 1, int(bits[at + sides[0]:at + sum(sides)], 2) + 1


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


def is_deep_avif(data):
    """Whether an AVIF says that its pictures have more than 8 bits a channel (AV1 in ISOBMFF, section 2.3)."""
    at = data.find(b"av1C")
    return at >= 0 and at + 6 < len(data) and bool(data[at + 6] & 0x40)


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
