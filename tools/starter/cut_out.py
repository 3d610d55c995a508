"""Cut people or animals out of photographs, to be looked through by eye and used as subjects.

    pip install pymatting ai-edge-litert
    python -m tools.starter.cut_out DEEPLAB.tflite FOLDER --selfie SELFIE.tflite PHOTO...    people
    python -m tools.starter.cut_out DEEPLAB.tflite FOLDER PHOTO...                           animals

Networks say what is surely subject and what is surely not: DeepLabV3 of Google's Coral (google-coral/test_data,
deeplabv3_mnv2_pascal_quant.tflite), and for people MediaPipe's selfie segmenter too (npm @mediapipe/selfie_segmentation,
selfie_segmentation.tflite); both are under Apache-2.0. Animals, which DeepLab alone knows, it is shown four times: as they
are and mirrored, whole and from farther away, first in the whole photo and then cropped around them. PyMatting finds alpha
between (closed form, Levin et al. 2008) and the subject's own colours. Writes FOLDER/portrait_NAME.webp or
beast_NAME.webp, RGBA, straight colour; no file is replaced. Two of three people and half of the animals are good enough;
hats, glasses before something bright, thin legs in grass and scenes of hair's colour are where it fails.
"""
from __future__ import annotations

import argparse
import os
from pathlib import Path

import cv2
import numpy as np

from bgmatting.dataset.generate.cutouts import AROUND
from bgmatting.media import read_photo, write_image
from bgmatting.utils.cli import run_main, say
from bgmatting.utils.errors import UserError

SIDE = 720              # pixels of the longer side: as subjects are needed, and what closed form matting does in seconds
PERSON = 15             # class of PASCAL VOC
ANIMALS = 3, 8, 10, 12, 13, 17   # bird, cat, cow, dog, horse, sheep, which stand for all others
LOOKED_AT = 1400        # pixels of the longer side of a photo in which animals are sought
ROOM = 0.15             # of an animal's sides that is left around it
LEAST = 0.03            # share of the photo that an animal fills
PEOPLE_REACH = 0.014, 0.022      # of the longer side, inside and outside: how far from where the networks change their mind
ANIMALS_REACH = 0.018, 0.032     # they are trusted
FAINT = 0.05            # alpha below it is 0, and above 1 less it 1


def trimap_of(inside: np.ndarray, outside: np.ndarray, reach: tuple[float, float] = PEOPLE_REACH) -> np.ndarray:
    """float64 (H, W): 1 subject, 0 scene, 0.5 unknown.

    Args:
        inside, outside: bool (H, W), where the networks are sure of the subject, and that it is not there.
        reach: of the longer side, how near to where they cease to be sure alpha is unknown, inside and outside.
    """
    side = max(inside.shape)
    trimap = np.full(inside.shape, 0.5)
    trimap[_largest(_eroded(inside.astype(np.uint8), round(reach[0] * side)))] = 1
    trimap[_eroded(outside.astype(np.uint8), round(reach[1] * side)) > 0] = 0
    return trimap


def cleaned(alpha: np.ndarray) -> np.ndarray:
    """uint8 (H, W) of alpha (H, W) in 0..1 without what is faint, and without islands."""
    alpha = np.clip((alpha - FAINT) / (1 - 2 * FAINT), 0, 1)
    return np.rint(255 * alpha * _largest(alpha > 0)).astype(np.uint8)


def cut_out_person(photo: np.ndarray, deeplab, selfie) -> np.ndarray:
    """uint8 RGB (H, W, 3) -> uint8 RGBA of at most ``SIDE`` pixels; the networks are opened by ``opened``."""
    photo = _at_most(photo, SIDE)
    size = photo.shape[1::-1]
    sure = cv2.resize(selfie(_square(photo, 256).astype(np.float32) / 255)[..., 0], size, interpolation=cv2.INTER_CUBIC)
    person = cv2.resize((deeplab(_square(photo, 513)) == PERSON).astype(np.float32), size) > 0.5
    return _matted(photo, trimap_of((sure > 0.9) & person, (sure < 0.1) & ~person))


def cut_out_animal(photo: np.ndarray, deeplab) -> np.ndarray:
    """As ``cut_out_person``. Raises UserError: no animal, or too small a one."""
    photo = _at_most(photo, LOOKED_AT)
    seen = votes(photo, deeplab)
    there = _largest(seen > 0.5)
    if there.mean() < LEAST:
        raise UserError(f"an animal fills {there.mean():.1%} of it, and should fill {LEAST:.0%}; leave it out or crop it.")
    sides = []
    for where in (there.any(1), there.any(0)):
        first, last = np.flatnonzero(where)[[0, -1]]
        room = round(ROOM * (last - first)) + 8
        sides.append(slice(max(0, first - room), last + room))
    whole = seen[tuple(sides)]
    photo = _at_most(photo[tuple(sides)], SIDE)
    seen = (cv2.resize(whole, photo.shape[1::-1]) + votes(photo, deeplab)) / 2
    return _matted(photo, trimap_of(seen > 0.8, seen < 0.15, ANIMALS_REACH))


def votes(photo: np.ndarray, deeplab) -> np.ndarray:
    """float32 (H, W): the share of four views in which there is an animal."""
    height, width = photo.shape[:2]
    found = np.zeros((height, width), np.float32)
    for around in (0, 0.25):
        above, beside = int(around * height), int(around * width)
        view = cv2.copyMakeBorder(photo, above, above, beside, beside, cv2.BORDER_REFLECT)
        for turn in (1, -1):
            animal = np.isin(deeplab(_square(view[:, ::turn], 513)), ANIMALS).astype(np.float32)
            animal = cv2.resize(animal, view.shape[1::-1])[:, ::turn]
            found += animal[above:above + height, beside:beside + width] / 4
    return found


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
    """Read the command line and cut out what it names. Raises UserError: two photos would become one file."""
    parser = argparse.ArgumentParser(prog="python -m tools.starter.cut_out", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("deeplab", "folder"):
        parser.add_argument(name)
    parser.add_argument("--selfie")
    parser.add_argument("photos", nargs="+")
    args = parser.parse_args(argv)
    cut_out, kind = (cut_out_person, "portrait") if args.selfie else (cut_out_animal, "beast")
    outs = {}
    for path in args.photos:
        out = Path(args.folder) / f"{kind}_{Path(path).stem}.webp"
        if out in outs:
            raise UserError(f"{outs[out]} and {path} would both become {out}. Rename one of them.")
        outs[out] = path
    networks = [opened(path) for path in (args.deeplab, args.selfie) if path]
    for out, path in outs.items():
        try:
            if os.path.lexists(out):
                raise UserError(f"{out} is there already. Remove it or name another folder.")
            write_image(out, cut_out(read_photo(path), *networks))
            say(str(out))
        except UserError as error:
            say(f"{path}: {error}")


def _matted(photo, trimap):
    """uint8 RGBA of a photo by its trimap."""
    from pymatting import estimate_alpha_cf, estimate_foreground_ml
    colours = photo / 255.0
    alpha = estimate_alpha_cf(colours, trimap, laplacian_kwargs={"epsilon": 1e-6})
    own = np.rint(255 * np.clip(estimate_foreground_ml(colours, alpha), 0, 1)).astype(np.uint8)
    alpha = cleaned(alpha)
    near = cv2.dilate(alpha, np.ones((2 * AROUND + 1,) * 2, np.uint8)) > 0
    return np.dstack([own * near[..., None], alpha])


def _largest(mask):
    """bool (H, W): the largest part of ``mask`` that hangs together."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return labels == 1 + facts[1:, cv2.CC_STAT_AREA].argmax() if count > 1 else np.zeros(mask.shape, bool)


def _eroded(mask, radius):
    """``mask`` without what is nearer than ``radius`` to its edge; the image's border is none."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return cv2.erode(mask, kernel, borderType=cv2.BORDER_REPLICATE)


def _at_most(photo, side):
    factor = min(1, side / max(photo.shape[:2]))
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _square(photo, side):
    return cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    run_main(main)
