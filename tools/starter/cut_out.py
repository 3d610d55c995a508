"""Cut people out of photographs, to be looked through by eye and used as subjects.

    pip install pymatting ai-edge-litert
    python -m tools.starter.cut_out SELFIE.tflite DEEPLAB.tflite FOLDER PHOTO...

Two networks that know people say what is surely person and what is surely not: MediaPipe's selfie segmenter (npm
@mediapipe/selfie_segmentation, selfie_segmentation.tflite) and DeepLabV3 of Google's Coral (google-coral/test_data,
deeplabv3_mnv2_pascal_quant.tflite); both are under Apache-2.0. PyMatting finds alpha between (closed form, Levin et al.
2008) and the subject's own colours. Writes FOLDER/portrait_NAME.webp, RGBA, straight colour. Two of three are good enough
where one person fills much of the photo; hats, glasses before something bright, and scenes of hair's colour are where it
fails.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from bgmatting.dataset.generate.cutouts import AROUND
from bgmatting.media import read_photo, write_image
from bgmatting.utils.cli import run_main, say

SIDE = 720              # pixels of the longer side: as subjects are needed, and what closed form matting does in seconds
PERSON = 15             # class of PASCAL VOC
INSIDE, OUTSIDE = 0.014, 0.022   # of the longer side: how far from where the networks change their mind they are trusted
FAINT = 0.05            # alpha below it is 0, and above 1 less it 1


def trimap_of(sure: np.ndarray, person: np.ndarray) -> np.ndarray:
    """float64 (H, W): 1 person, 0 scene, 0.5 unknown.

    Args:
        sure: float32 (H, W), probability of person by one network. person: bool (H, W), by the other.
    """
    side = max(sure.shape)
    inside, outside = ((sure > 0.9) & person).astype(np.uint8), ((sure < 0.1) & ~person).astype(np.uint8)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(_eroded(inside, round(INSIDE * side)))
    trimap = np.full(sure.shape, 0.5)
    if count > 1:
        trimap[labels == 1 + facts[1:, cv2.CC_STAT_AREA].argmax()] = 1
    trimap[_eroded(outside, round(OUTSIDE * side)) > 0] = 0
    return trimap


def cleaned(alpha: np.ndarray) -> np.ndarray:
    """uint8 (H, W) of alpha (H, W) in 0..1 without what is faint, and without islands."""
    alpha = np.clip((alpha - FAINT) / (1 - 2 * FAINT), 0, 1)
    count, labels, facts, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8))
    if count > 1:
        alpha[labels != 1 + facts[1:, cv2.CC_STAT_AREA].argmax()] = 0
    return np.rint(255 * alpha).astype(np.uint8)


def cut_out(photo: np.ndarray, selfie, deeplab) -> np.ndarray:
    """uint8 RGB (H, W, 3) -> uint8 RGBA of at most ``SIDE`` pixels; ``selfie`` and ``deeplab`` are opened by ``opened``."""
    from pymatting import estimate_alpha_cf, estimate_foreground_ml
    factor = min(1, SIDE / max(photo.shape[:2]))
    photo = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    size = photo.shape[1::-1]
    sure = selfie(_shrunk(photo, 256).astype(np.float32) / 255)[..., 0]
    person = (deeplab(_shrunk(photo, 513)) == PERSON).astype(np.float32)
    trimap = trimap_of(cv2.resize(sure, size, interpolation=cv2.INTER_CUBIC), cv2.resize(person, size) > 0.5)
    colours = photo / 255.0
    alpha = estimate_alpha_cf(colours, trimap, laplacian_kwargs={"epsilon": 1e-6})
    own = np.rint(255 * np.clip(estimate_foreground_ml(colours, alpha), 0, 1)).astype(np.uint8)
    alpha = cleaned(alpha)
    near = cv2.dilate(alpha, np.ones((2 * AROUND + 1,) * 2, np.uint8)) > 0
    return np.dstack([own * near[..., None], alpha])


def opened(path: str):
    """A TensorFlow Lite network as a function of one image."""
    from ai_edge_litert.interpreter import Interpreter
    network = Interpreter(path)
    network.allocate_tensors()
    given, made = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def run(image):
        network.set_tensor(given, image[None])
        network.invoke()
        return network.get_tensor(made)[0]
    return run


def main(argv: list[str] | None = None) -> None:
    """Read the command line and cut out what it names."""
    parser = argparse.ArgumentParser(prog="python -m tools.starter.cut_out", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("selfie", "deeplab", "folder"):
        parser.add_argument(name)
    parser.add_argument("photos", nargs="+")
    args = parser.parse_args(argv)
    selfie, deeplab = opened(args.selfie), opened(args.deeplab)
    for path in args.photos:
        out = Path(args.folder) / f"portrait_{Path(path).stem}.webp"
        write_image(out, cut_out(read_photo(path), selfie, deeplab))
        say(str(out))


def _eroded(mask, radius):
    """``mask`` without what is nearer than ``radius`` to its edge; the image's border is none."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return cv2.erode(mask, kernel, borderType=cv2.BORDER_REPLICATE)


def _shrunk(photo, side):
    return cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    run_main(main)
