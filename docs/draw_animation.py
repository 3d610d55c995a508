"""Draws docs/matte.webp, README's picture: ``python -m docs.draw_animation``.

The sample photo, its alpha, and the subject before other backgrounds, each drawn over the one before from left to right.
"""
import cv2
import numpy as np
from PIL import Image

from bgmatting.media import read_image
from bgmatting.model import Matter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.rendering import rendered
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.files import PROJECT

SIZE = 640, 360   # width, height
STEPS, HOLD = 9, 900  # images of one change; milliseconds that a finished image stays
BACKDROPS = ("#2f6fb5", "blur")


def scenes():
    """The images between which it changes, uint8 RGB (H, W, 3): src, bgr, pha and com before each backdrop."""
    src, bgr = (read_image(PROJECT / "image" / "sample" / f"{name}.jpg") for name in ("src", "bgr"))
    with Matter() as matter:
        matte = matter.predict(src, bgr, ("pha", "fgr"))
    shown = [src, bgr, cv2.cvtColor(rendered(matte, ("pha",))["pha"], cv2.COLOR_GRAY2RGB)]
    for name in BACKDROPS:
        with open_backdrop(name) as backdrop:
            shown.append(rendered(matte, ("com",), 8, backdrop.frame(0, src, bgr))["com"])
    return [cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA) for picture in shown]


def frames(pictures):
    """[(image, milliseconds)] of the whole round."""
    made = []
    for before, after in zip(pictures, [*pictures[1:], pictures[0]]):
        made.append((before, HOLD))
        for step in range(1, STEPS):
            edge = SIZE[0] * step // STEPS
            mixed = np.concatenate((after[:, :edge], before[:, edge:]), axis=1)
            mixed[:, max(edge - 1, 0):edge + 1] = 255
            made.append((mixed, 45))
    return made


def main(argv=None):
    CommandLine(description=__doc__).parse_args(argv)
    prepare_cpu(load=False)
    path = PROJECT / "docs" / "matte.webp"
    pictures, times = zip(*frames(scenes()))
    first, *rest = [Image.fromarray(picture) for picture in pictures]
    first.save(path, save_all=True, append_images=rest, duration=list(times), loop=0, quality=72, method=6)
    print("wrote", path)


if __name__ == "__main__":
    run_main(main)
