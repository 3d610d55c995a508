"""One picture that shows a result: src, bgr, pha, and the cut-out before another background, side by side.

    python -m utils.sheet --src me.jpg --bgr room.jpg --output sheet.jpg [--target-bgr beach.jpg] [--weights FILE]
"""
import argparse

import cv2
import numpy as np

from dataset.evaluation import cover
from utils.cpu import prepare_cpu
from utils.errors import run_main
from utils.media import read_image, write_image

HEIGHT = 360  # pixels of one panel
GREEN = (60, 170, 90)


def sheet(src, bgr, matte, target=None, height=HEIGHT):
    """Panels side by side.

    Args:
        src, bgr: uint8 (H, W, 3).
        matte: with pha float (H, W) and fgr float (H, W, 3) in 0..1, as ``Matter.predict`` returns it.
        target: uint8 picture of any size that the subject is set before, or None for plain green.
        height: of the panels, in pixels.

    Returns:
        uint8 (height, about 4 * height * W / H, 3)
    """
    target = np.full_like(src, GREEN) if target is None else cover(target, src.shape[:2])
    pha = matte.pha[..., None]
    com = matte.fgr * pha + target / 255 * (1 - pha)
    panels = [src, bgr, _u8(np.repeat(pha, 3, axis=2)), _u8(com)]
    width = round(src.shape[1] * height / src.shape[0])
    return np.hstack([cv2.resize(panel, (width, height), interpolation=cv2.INTER_AREA) for panel in panels])


def _u8(image):
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", required=True, help="photo with the subject")
    parser.add_argument("--bgr", required=True, help="photo of the empty scene")
    parser.add_argument("--output", required=True, help="picture to write")
    parser.add_argument("--target-bgr", "--target_bgr", help="picture to set the subject before (default: plain green)")
    parser.add_argument("--weights", help="weights file (default: the starter weights)")
    args = parser.parse_args(argv)
    src, bgr = read_image(args.src), read_image(args.bgr)
    target = read_image(args.target_bgr) if args.target_bgr else None
    prepare_cpu()
    from model import Matter  # brings paddle in, which reads its settings then
    write_image(args.output, sheet(src, bgr, Matter(args.weights).predict(src, bgr), target))
    print(f"wrote {args.output}")


if __name__ == "__main__":
    run_main(main)
