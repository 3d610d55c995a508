"""Cut panoramas into views as a camera sees them, to have more photographs of empty scenes.

    OPENCV_IO_ENABLE_OPENEXR=1 python -m training.pytorch.panorama PANORAMA... FOLDER [--views 5]

PANORAMA is equirectangular: .hdr, .jpg, .png, or .exr where this OpenCV reads it. Light beyond a photograph's range is
brought into it by an exposure of each view's own.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from bgmatting.utils.cli import CommandLine

WIDTH, HEIGHT = 960, 640
BRIGHTNESS = 0.36   # of a view's middle grey after the exposure, 0..1 as displayed


def directions(yaw, pitch, field):
    """Unit vectors (HEIGHT, WIDTH, 3) that the pixels of a view look along; radians, ``field`` across the width."""
    focal = WIDTH / 2 / np.tan(field / 2)
    x, y = np.meshgrid(np.arange(WIDTH) - WIDTH / 2 + 0.5, np.arange(HEIGHT) - HEIGHT / 2 + 0.5)
    ray = np.stack([x, y, np.full_like(x, focal)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    cos, sin = np.cos(pitch), np.sin(pitch)
    ray = ray @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    cos, sin = np.cos(yaw), np.sin(yaw)
    return ray @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def view(panorama, yaw, pitch, field, how):
    """One view of a panorama (H, W, 3), interpolated as OpenCV's flag ``how`` says."""
    height, width = panorama.shape[:2]
    ray = directions(yaw, pitch, field)
    x = (np.arctan2(ray[..., 0], ray[..., 2]) / (2 * np.pi) + 0.5) * width - 0.5
    y = (np.arcsin(np.clip(ray[..., 1], -1, 1)) / np.pi + 0.5) * height - 0.5
    return cv2.remap(panorama, x.astype(np.float32), y.astype(np.float32), how, borderMode=cv2.BORDER_WRAP)


def developed(image, grey):
    """Linear light (H, W, 3) -> uint8 as displayed, where ``grey`` is to come out as ``BRIGHTNESS``."""
    image = np.maximum(image, 0) * BRIGHTNESS ** 2.2 / grey
    image = np.where(image > 0.8, 0.8 + 0.2 * (1 - np.exp(-(image - 0.8) / 0.4)), image)  # a shoulder, as cameras have
    return np.rint(255 * np.clip(image, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def cut(path, folder, count):
    """Write ``count`` views of one panorama."""
    panorama = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if panorama is None:
        raise SystemExit(f"{path} cannot be read")
    linear, panorama = panorama.dtype == np.float32, np.ascontiguousarray(panorama[..., :3])
    for number in range(count):
        yaw, pitch = 2 * np.pi * (number + 0.5) / count, 0.12 * (-1) ** number
        look = yaw, pitch, np.deg2rad(85 - 20 * (number % 2))
        image = panorama
        if linear:  # developed before it is interpolated finely: lamps would get rings
            image = developed(panorama, np.median(view(panorama, *look, cv2.INTER_LINEAR).mean(2)) + 1e-6)
        image = view(image, *look, cv2.INTER_CUBIC)
        cv2.imwrite(str(Path(folder) / f"{Path(path).stem}-{number}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 94])


def main(argv=None):
    parser = CommandLine(prog="python -m training.pytorch.panorama", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panorama", nargs="+")
    parser.add_argument("folder")
    parser.add_argument("--views", type=int, default=5)
    args = parser.parse_args(argv)
    Path(args.folder).mkdir(parents=True, exist_ok=True)
    for path in args.panorama:
        cut(path, args.folder, args.views)


if __name__ == "__main__":
    main()
