"""Makes the sample photo pair: a person before a launch pad, and the launch pad alone.

    python -m dataset.generate.sample_pair [--output DIR]      # writes DIR/src.jpg and DIR/bgr.jpg, default image/sample

Both pictures ship inside the scikit-image package and are in the public domain: NASA's portrait of the astronaut
Eileen Collins, and SpaceX's photo of a Falcon 9. The person is cut out along the hand-set outline below, and the
second "shot" of the pad differs from the first as two real shots do: grain, a small shift, a small change of exposure.
"""
import importlib.util
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media import read_image, write_bytes
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT

WIDTH, HEIGHT = 1280, 960
PERSON_SIZE = 820        # side of the square portrait in the photo; it stands in the lower right corner
QUALITY = 90

# The person in the 512 x 512 portrait as (x, y), clockwise from the lower left. Right to within two pixels.
OUTLINE = (
    (41, 512), (35, 500), (29, 485), (25, 470), (23.5, 455), (24, 438), (21.5, 422), (19.5, 405), (20, 390), (24, 378),
    (25.5, 350), (29, 335), (34, 318), (40, 300), (46, 280), (56, 259), (66, 244), (76, 236), (97, 220), (112, 207),
    (114, 198), (113, 190), (116, 185), (123, 185), (127, 178.5), (132, 167), (140, 156.5), (152, 151), (166, 148.5),
    (182, 149), (182, 140), (181, 132), (177, 130), (173, 125), (170, 119), (160, 110), (155, 97), (154, 84), (153, 72),
    (155, 62), (163, 51), (175, 43), (187, 37), (192, 30), (203, 22), (218, 17), (232, 15), (248, 18), (262, 24),
    (277, 32), (286, 41), (292, 51), (297, 62), (300, 77), (300, 90), (296, 103), (290, 114), (281, 124), (277, 131),
    (272, 135.5), (267, 136), (264, 147), (259, 158), (256, 167), (255, 174), (262, 178), (275, 188), (287, 202),
    (297, 219), (303, 235), (310, 237), (320, 243), (333, 253), (341, 263), (346, 277), (350, 284), (354, 298),
    (357, 315), (361, 328), (362, 332), (359, 335), (361, 346), (366, 349), (380, 345.5), (394, 344), (414, 344),
    (432, 349), (450, 358), (465, 369), (478, 383), (487, 398), (494, 418), (497, 440), (498, 454), (503, 456),
    (503, 461), (507, 470), (508, 480), (511, 488), (513, 490), (513, 512))
HAIR = (228, 70, 86, 68)  # centre x, y and half axes of an ellipse around the hair, where the edge is soft and wide
EDGE, HAIR_OUT, HAIR_IN = 2, 7, 5  # width in pixels of the unknown band: along hard edges, outside and inside the hair


def sample_pair(seed=0):
    """The pair as uint8 RGB (960, 1280, 3): (src, bgr)."""
    rng = np.random.default_rng(seed)
    fgr, pha = cut_out(_photo("astronaut.png"))
    scene = _scene(_photo("rocket.jpg"))
    fgr, pha = _place(fgr), np.clip(_place(pha), 0, 1)
    src = scene * (1 - 0.12 * cv2.GaussianBlur(pha, (0, 0), 30))[..., None]  # the person takes some of the light
    src = pha[..., None] * fgr + (1 - pha[..., None]) * src
    half_a_pixel = np.float32([[1, 0, 0.5], [0, 1, -0.5]])
    bgr = cv2.warpAffine(scene, half_a_pixel, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return _shot(src, rng), _shot(bgr * 1.03, rng)


def cut_out(portrait):
    """Foreground and alpha of the portrait.

    Args:
        portrait: uint8 RGB (512, 512, 3).
    Returns:
        fgr float32 (512, 512, 3) in 0..1, free of the old background also where pha is small; pha float32 (512, 512).
    """
    image = portrait.astype(np.float32) / 255
    known_fgr, known_bgr = _trimap(image.shape[:2])
    near_fgr, near_bgr = _spread(image, known_fgr), _spread(image, known_bgr)
    across = near_fgr - near_bgr
    pha = ((image - near_bgr) * across).sum(2) / np.maximum((across ** 2).sum(2), 1e-3)
    pha = np.where(known_fgr, 1, np.where(known_bgr, 0, np.clip(pha, 0, 1))).astype(np.float32)
    pha = _guided(image, pha, radius=2, eps=1e-4)
    pha = np.where(known_fgr, 1, np.where(known_bgr, 0, np.clip((pha - 0.05) / 0.9, 0, 1))).astype(np.float32)
    pha = cv2.GaussianBlur(pha, (0, 0), 0.5)  # no lens draws an edge sharper than this
    return _foreground(image, pha, near_fgr, near_bgr), pha


def _trimap(shape):
    """Masks of what is surely the person and surely not; the band between them is to be solved."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [np.round(np.array(OUTLINE) * 16).astype(np.int32)], 1, shift=4)
    hair = np.zeros(shape, np.uint8)
    cv2.ellipse(hair, HAIR[:2], HAIR[2:], 0, 0, 360, 1, -1)
    to_edge = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    from_edge = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return to_edge > np.where(hair, HAIR_IN, EDGE), from_edge > np.where(hair, HAIR_OUT, EDGE)


def _spread(image, known):
    """Colours of the known pixels carried to the others: the finest local mean that has known pixels in reach."""
    spread, weight = np.zeros_like(image), np.zeros(image.shape[:2], np.float32)
    known = known.astype(np.float32)
    for sigma in (1.5, 3, 6, 12, 24, 200):
        mass = cv2.GaussianBlur(known, (0, 0), sigma)
        mean = cv2.GaussianBlur(image * known[..., None], (0, 0), sigma) / np.maximum(mass, 1e-6)[..., None]
        share = (1 - weight) * np.clip(mass / 0.05, 0, 1)
        spread += share[..., None] * mean
        weight += share
    spread /= np.maximum(weight, 1e-6)[..., None]
    return np.where(known[..., None] > 0, image, spread)


def _guided(image, pha, radius, eps):
    """Guided filter (He, Sun, Tang 2010) of pha by the gray image: edges of pha move onto edges of the photo."""
    def mean(x):
        return cv2.blur(x, (2 * radius + 1, 2 * radius + 1))
    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    slope = (mean(guide * pha) - mean(guide) * mean(pha)) / (mean(guide * guide) - mean(guide) ** 2 + eps)
    offset = mean(pha) - slope * mean(guide)
    return mean(slope) * guide + mean(offset)


def _foreground(image, pha, near_fgr, near_bgr):
    """Colours that, blended over the old background by pha, give the photo; nearby sure colours where pha is small."""
    alpha = pha[..., None]
    rest = image - alpha * near_fgr - (1 - alpha) * near_bgr
    return np.clip(near_fgr + alpha ** 2 / np.maximum(alpha ** 2 + 0.1 * (1 - alpha), 1e-6) * rest, 0, 1)


def _scene(photo):
    """The right part of the launch photo, brightened and out of focus, float32 (HEIGHT, WIDTH, 3)."""
    height, width = photo.shape[:2]
    crop = photo[:, width - height * WIDTH // HEIGHT:].astype(np.float32) / 255
    scene = cv2.resize(crop, (WIDTH, HEIGHT), interpolation=cv2.INTER_LANCZOS4)
    scene = cv2.GaussianBlur(np.clip(scene, 0, 1), (0, 0), 3)
    return scene ** 0.85


def _place(layer):
    """Enlarge a layer of the portrait and set it into the lower right corner of the photo; colours run on outside."""
    layer = cv2.resize(layer, (PERSON_SIZE, PERSON_SIZE), interpolation=cv2.INTER_LANCZOS4)
    border = {"borderType": cv2.BORDER_REPLICATE} if layer.ndim == 3 else {"borderType": cv2.BORDER_CONSTANT}
    return cv2.copyMakeBorder(layer, HEIGHT - PERSON_SIZE, 0, WIDTH - PERSON_SIZE, 0, **border)


def _shot(image, rng):
    """What the camera makes of a scene: grain, then 8 bit."""
    grain = rng.normal(0, 0.006, image.shape).astype(np.float32)
    return np.round(np.clip(image + grain, 0, 1) * 255).astype(np.uint8)


def _photo(name):
    """A picture of the installed scikit-image package, which is not imported: some of its loaders download."""
    spec = importlib.util.find_spec("skimage")
    if spec is None:
        raise UserError("scikit-image is not installed and its pictures are needed; run 'pip install scikit-image'.")
    return read_image(Path(spec.submodule_search_locations[0]) / "data" / name)


def main(argv=None):
    parser = CommandLine(prog="python -m dataset.generate.sample_pair", description="Make the sample photo pair.")
    parser.add_argument("--output", default=PROJECT / "image" / "sample", type=Path, help="default: image/sample")
    output = parser.parse_args(argv).output
    for name, image in zip(("src.jpg", "bgr.jpg"), sample_pair()):
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        write_bytes(output / name, data.tobytes())
        print(f"{output / name}  {WIDTH}x{HEIGHT}  {data.size / 1024:.0f} KB")


if __name__ == "__main__":
    run_main(main)
