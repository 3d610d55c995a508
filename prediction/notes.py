"""Photos beside the ones to matte, such as a common background: what is remarkable about their files is printed."""
import sys

from media import read_photo
from utils.errors import one_line


def told_photo(path):
    """As ``media.read_photo``; its notes are printed as lines on stderr."""
    notes = []
    rgb = read_photo(path, notes)
    for note in notes:
        print(one_line(f"note: {note}"), file=sys.stderr, flush=True)
    return rgb
