"""Align generated hand-held pairs whose movement is known, and count how often it is found.

    python tests/faults/align_trials.py [--trials 200] [--seed 1] [--size 480 640] [--matte]
    python tests/faults/align_trials.py --scenes [--trials 200] [--seed 1] [--size 240 320]

A background larger than the frame is seen twice: with a subject by src, and through a known homography (a shift of up to
3 % of the sides by turning the camera, a roll of up to 2 degrees, 1 % of scale), another exposure (up to 0.3 stops)
and noise by bgr. Prints a line for each pair and a tally; --matte adds the SAD of mattes of the starter weights: with bgr as
taken, fitted, and taken from a tripod (exposure matched). Exit code 1 where less than 95 % of the pairs with texture are
within half a pixel at the corners.

--scenes counts the warnings of another scene instead: for the pairs, every other from a tripod, and each src with the bgr
of another seed. Exit code 1 where a right pair was warned of, or less than 90 % of the wrong ones.
"""
import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from bgmatting.dataset.augment import add_noise  # noqa: E402
from bgmatting.dataset.generate import make_background, make_subject  # noqa: E402
from bgmatting.media.alignment.camera_motion import fitter  # noqa: E402
from bgmatting.media.alignment.homography import corner_shift  # noqa: E402
from bgmatting.media.operations import blend  # noqa: E402  (the project lies two folders up)

MARGIN = 0.12        # the background is painted so much larger on each side, so that both photos lie inside
WITHIN = 0.5         # pixels
EXPOSURE = 0.3       # stops, in linear light
NOISE = 0.012        # deviation of the noise, of the range 0..1, at most
DOUBT = 4.0          # gray levels: noise of both photos
TEXTURE = 0.1        # pixels: where noise alone would leave a larger error at a corner, there is hardly any texture
LEAST_FOUND = 0.95   # of the pairs with texture


def make_pair(seed, height, width, moved=1.0):
    """(src, bgr, still, pha, matrix): src and bgr as taken by hand, still as bgr without movement; matrix bgr -> src.

    ``moved`` scales the movement; 0 is a tripod.
    """
    rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), 77])  # a number, or several
    margin_y, margin_x = int(MARGIN * height), int(MARGIN * width)
    scene = make_background(rng, height + 2 * margin_y, width + 2 * margin_x)
    frame = np.s_[margin_y:margin_y + height, margin_x:margin_x + width]
    here = np.ascontiguousarray(scene[frame])
    pha, fgr = make_subject(rng, height, width, None, here, None)
    matrix = movement(rng, height, width, moved)
    place = np.array([[1.0, 0, -margin_x], [0, 1, -margin_y], [0, 0, 1]])
    # what lies at x of the frame is seen at inverse(matrix) x by the moved camera
    there = cv2.warpPerspective(scene, np.linalg.inv(matrix) @ place, (width, height), flags=cv2.INTER_CUBIC,
                                borderMode=cv2.BORDER_REFLECT_101)
    stops = rng.uniform(-EXPOSURE, EXPOSURE)
    src = add_noise(rng, blend(fgr, pha, here), NOISE)
    bgr = add_noise(rng, expose(there, stops), NOISE)
    still = add_noise(rng, expose(here, stops), NOISE)
    return src, bgr, still, pha, matrix


def movement(rng, height, width, moved=1.0):
    """A homography (3, 3) of a hand-held camera that turns about three axes and moves a little nearer or farther."""
    x, y = moved * rng.uniform(-0.03, 0.03, 2) * (width, height)
    roll, scale = np.deg2rad(moved * rng.uniform(-2, 2)), 1 + moved * rng.uniform(-0.01, 0.01)
    focal = width * rng.uniform(0.8, 1.5)
    turn = cv2.Rodrigues(np.array([-y / focal, x / focal, 0]))[0] @ cv2.Rodrigues(np.array([0, 0, roll]))[0]
    lens = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    matrix = lens @ np.diag([scale, scale, 1]) @ turn @ np.linalg.inv(lens)
    return matrix / matrix[2, 2]


def expose(image, stops):
    """A photo as if taken with ``stops`` more light, in linear light (gamma 2.2)."""
    curve = 255 * np.clip((np.arange(256) / 255) ** 2.2 * 2.0 ** stops, 0, 1) ** (1 / 2.2)
    return cv2.LUT(image, np.rint(curve).astype(np.uint8))


def texture_error(still, pha):
    """The error at the worst corner, in pixels, that noise alone would leave if the subject were known (Cramer-Rao)."""
    gray = cv2.cvtColor(still, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gray = cv2.GaussianBlur(gray, (0, 0), 1.0)
    rows, cols = np.nonzero(pha[::2, ::2] < 8)
    slopes = [cv2.Sobel(gray, cv2.CV_32F, *way, scale=1 / 8)[2 * rows, 2 * cols] for way in ((1, 0), (0, 1))]
    height, width = pha.shape
    x, y = 4 * cols / width - 1, 4 * rows / height - 1
    right, down = slopes
    along = -(x * right + y * down)
    design = np.stack([x * right, y * right, right, x * down, y * down, down, x * along, y * along])
    covariance = np.linalg.inv(4 * design @ design.T / DOUBT ** 2 + 1e-9 * np.eye(8))
    corners = [np.array([[x, y, 1, 0, 0, 0, -x * x, -x * y], [0, 0, 0, x, y, 1, -x * y, -y * y]])
               for x in (-1, 1) for y in (-1, 1)]
    return max(float(np.trace(corner @ covariance @ corner.T)) ** 0.5 for corner in corners)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(480, 640), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--matte", action="store_true")
    parser.add_argument("--scenes", action="store_true")
    args = parser.parse_args()
    if args.scenes:
        sys.exit(0 if scenes(args.trials, args.seed, args.size) else 1)
    sys.exit(0 if clean(args.trials, args.seed, args.size, args.matte) else 1)


def clean(trials, seed, size, matte=False):
    """Do all of it, print what happens, and tell whether enough was found."""
    matter = None
    if matte:
        from bgmatting.model import Matter
        matter = Matter()
    off, textured, sads = [], [], []
    for number in range(trials):
        src, bgr, still, pha, matrix = make_pair((seed, number), *size)
        fit = fitter()
        fitted, notes = fit(src, bgr)
        found = fit.alignment
        off.append(corner_shift(found.matrix, size, matrix) if fit.moved else np.inf)
        textured.append(texture_error(still, pha) < TEXTURE)
        print(f"{number:3d}: moved {corner_shift(matrix, size):4.1f} px, off {off[-1]:6.2f} (expected {found.error:5.2f}), "
              f"score {found.score:5.2f}, {found.inliers}/{found.features}, subject {(pha > 127).mean():.2f}"
              f"{'' if textured[-1] else ', hardly any texture'} {found.reason} {' '.join(notes)}", flush=True)
        if matter:
            pairs = (bgr, fitted, fitter(align="off")(src, still)[0], fit(src, still)[0])
            sads.append([np.abs(matter.predict(src, each, ("pha",)).pha - pha / 255).sum() / 1000 for each in pairs])
    off, textured = np.array(off), np.array(textured)
    for name, which in (("all pairs", off > -1), ("pairs with texture", textured)):
        trusted = which & np.isfinite(off)
        print(f"{name}: {which.sum()}, aligned {trusted.sum()}, within {WITHIN} px {np.sum(off[which] <= WITHIN)} "
              f"({np.mean(off[which] <= WITHIN):.1%}), median {np.median(off[which]):.3f} px, "
              f"wrong by more than 2 px {np.sum(off[trusted] > 2)}")
        if matter:
            table = np.array(sads)[which]
            for way, values in (("mean", table.mean(0)), ("median", np.median(table, axis=0))):
                print(f"  SAD, {way}: as taken {values[0]:.3f}, fitted {values[1]:.3f}, tripod {values[2]:.3f} (fitted is "
                      f"{values[1] / values[2]:.2f} times that), tripod with align=auto {values[3]:.3f}")
    return bool(np.mean(off[textured] <= WITHIN) >= LEAST_FOUND)


def scenes(trials, seed, size):
    """Count the warnings of another scene for right and wrong pairs, and tell whether they are right."""
    warned, warped = {"right": 0, "wrong": 0}, 0
    for number in range(trials):
        src, bgr, _, pha, _ = make_pair((seed, number), *size, moved=number % 2)
        other = make_pair((seed + 1, number), *size, moved=number % 2)[1]
        for name, image in (("right", bgr), ("wrong", other)):
            fit = fitter()
            note = any("does not look like" in note for note in fit(src, image)[1])
            warned[name] += note
            warped += fit.moved and name == "right" and number % 2 == 0
            if note != (name == "wrong"):
                print(f"{number} {name}: {'warned' if note else 'not warned'}, subject {(pha > 127).mean():.2f}, "
                      f"score {fit.alignment.score:.2f}, gains {np.round(fit.gains, 2)}", flush=True)
    print(f"warned of {warned['right']} of {trials} right pairs and {warned['wrong']} of {trials} wrong ones; "
          f"{warped} of {(trials + 1) // 2} tripod pairs were warped")
    return warned["right"] == 0 and warned["wrong"] >= 0.9 * trials


if __name__ == "__main__":
    main()
