"""What the header of a JPEG file says, without decoding the picture."""

SCAN = 0xDA                                              # marker: the picture itself begins
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}     # markers: the picture's size, one for each kind of coding


def scan_start(data):
    """Where in the bytes of a file the picture begins: behind the header, which may hold a small copy of it."""
    end = 2
    for _, _, end in _segments(data):
        pass
    return end


def size(data):
    """(width, height) of the picture in pixels; None where the header does not say."""
    for marker, begin, _ in _segments(data):
        if marker in FRAMES:
            height, width = (int.from_bytes(data[at:at + 2], "big") for at in (begin + 1, begin + 3))
            return (width, height) if width and height else None
    return None


def shorter_side(data):
    """The picture's shorter side in pixels; None where the header does not say."""
    found = size(data)
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
