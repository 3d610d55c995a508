"""What is remarkable about files: of photos beside the ones to matte it is printed, of films it is put in words."""
import sys

from bgmatting.media import read_photo
from bgmatting.prediction.outputs import GRAY
from bgmatting.utils.errors import one_line


def told_photo(path):
    """As ``media.read_photo``; its notes are printed as lines on stderr."""
    notes = []
    rgb = read_photo(path, notes)
    for note in notes:
        print(one_line(f"note: {note}"), file=sys.stderr, flush=True)
    return rgb


def lost_in_films(job, info, writers):
    """Lines about what a film has and what is written of it has not.

    Args:
        job: ``VideoJob``. info: of its src, as ``media.video.reader`` has it. writers: {type: writer}.
    """
    cure = "png keeps" if info.depth > 10 else "mov or png keeps"
    lines = [f"{job.outputs[kind]} has {writer.bits} bits a colour; {job.src} has {info.depth}. --video-format {cure} them."
             for kind, writer in writers.items() if writer.bits < (min(info.depth, 10) if kind in GRAY else info.depth)]
    if info.light.changing:
        lines.append(f"{job.src} has {' and '.join(info.light.changing)}, which says anew for each scene how it is to be "
                     f"shown; that is not kept.")
    return lines
