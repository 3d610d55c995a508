"""What the bytes of a picture file say before anything is decoded: its format, size, and whether it is whole."""
from utils.errors import UserError

SCAN = 0xDA                                              # marker: the picture itself begins
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}     # markers: the picture's size, one for each kind of coding

JPEG, PNG = b"\xff\xd8", b"\x89PNG"       # the first bytes of such files
TIFF = (b"II*\0", b"MM\0*")
BITS, ORIENTATION = 0x0102, 0x0112         # TIFF and EXIF tags: bits of every channel; which way up, 1 is upright
LARGEST = 120_000_000                      # pixels: above every camera's, and decoded in a third of a gigabyte


def is_cut(data):
    """True for a JPEG or PNG that ends before its end mark: some versions of OpenCV fill the missing part with gray."""
    if data.startswith(PNG):
        return data.rfind(b"IEND") < 0
    if data.startswith(JPEG):
        return data.rfind(b"\xff\xd9", scan_start(data)) < 0
    return False


def check_whole(path, data):
    """Raise UserError where ``data``, the content of ``path``, is empty or ``is_cut``."""
    if not data:
        raise UserError(f"cannot decode {path}: the file is empty. Copy or download it again.")
    if is_cut(data):
        raise UserError(f"{path} is cut short: its lower part is missing. Copy or download it again.")


def check_size(path, width, height):
    """Raise UserError for more than ``LARGEST`` pixels, before memory is taken for them."""
    if width * height > LARGEST:
        raise UserError(f"{path} is {width}x{height}, {width * height / 1e6:.0f} megapixels; at most "
                        f"{LARGEST / 1e6:.0f} are read. Save it smaller.")


def undecodable(path):
    """The UserError for a file that no decoder takes."""
    return UserError(f"cannot decode {path}: not a picture, or damaged. Open it in a viewer and save it again.")


def declared_size(data):
    """(width, height) in the header of a JPEG or PNG, None for other files and where it does not say."""
    if data.startswith(PNG):
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return jpeg_size(data) if data.startswith(JPEG) else None


def scan_start(data):
    """Where in the bytes of a file the picture begins: behind the header, which may hold a small copy of it."""
    return max((end for _, _, end in _segments(data)), default=2)


def jpeg_size(data):
    """(width, height) of the picture in pixels; None where the header does not say."""
    for marker, begin, _ in _segments(data):
        if marker in FRAMES:
            height, width = (int.from_bytes(data[at:at + 2], "big") for at in (begin + 1, begin + 3))
            return (width, height) if width and height else None
    return None


def shorter_side(data):
    """The picture's shorter side in pixels; None where the header does not say."""
    found = jpeg_size(data)
    return min(found) if found else None


def _segments(data):
    """(marker, begin, end) of the contents of every part of the header."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != SCAN:
        if data[at + 1] == 0xFF:  # a filling byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        yield data[at + 1], at + 4, end
        at = end
