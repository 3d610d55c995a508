"""Draws model/weights/failures.jpg, the model card's picture: ``python -m docs.draw_failures``.

The generated images on which the starter weights do worst, by mean absolute error: src, bgr, truth, alpha, error.
"""
import cv2
import numpy as np

from bgmatting.dataset.generate import make_sample
from bgmatting.media import write_image
from bgmatting.model import Matter
from bgmatting.utils.cli import CommandLine, run_main, say
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.files import PROJECT

SEED, COUNT, WORST = 20261126, 200, 6
SIZE = 540, 720   # height, width
SHOWN = 288, 216  # width, height of each image


def judged(matter, number):
    """(mean absolute error, the images of one row)"""
    pha, fgr, bgr = make_sample([SEED, number], *SIZE)
    share = pha[..., None] / np.float32(255)
    src = np.round(share * fgr + (1 - share) * bgr).astype(np.uint8)
    found = matter.predict(src, bgr, ("pha",), dtype="uint8").pha
    off = cv2.absdiff(found, pha)
    return off.mean() / 255, [image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
                              for image in (src, bgr, pha, found, off)]


def main(argv=None):
    CommandLine(description=__doc__).parse_args(argv)
    prepare_cpu(load=False)
    with Matter() as matter:
        rows = [judged(matter, number) for number in range(COUNT)]
    errors = 1000 * np.array([error for error, _ in rows])
    worst = [rows[index][1] for index in np.argsort(-errors)[:WORST]]
    write_image(PROJECT / "model" / "weights" / "failures.jpg", np.vstack(
        [np.hstack([cv2.resize(image, SHOWN, interpolation=cv2.INTER_AREA) for image in row]) for row in worst]))
    say(f"MAD x1000 of {COUNT}: mean {errors.mean():.1f}, median {np.median(errors):.1f}, worst {errors.max():.1f}")


if __name__ == "__main__":
    run_main(main)
