"""Cut panoramas into views as a camera sees them, to have more photographs of empty scenes.

    python -m dataset.stream.panorama PANORAMA... FOLDER [--views 5]

PANORAMA is equirectangular: .hdr, .exr (pip install OpenImageIO), or a photograph as predict.py takes them (.jpg, .png,
.tif, ...). Light beyond a photograph's range is brought into it by an exposure of each view's own. Views are called after
their panorama, NAME-0.jpg, NAME-1.jpg, ...
"""
from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media import read_photo, write_image
from bgmatting.media.exr_dpx import SUFFIXES, is_plate, off_curve, read_plate
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError

WIDTH, HEIGHT = 960, 640
LIGHT = (".hdr", *SUFFIXES)  # suffixes of files of linear light
BRIGHTNESS = 0.36   # of a view's middle grey after the exposure, 0..1 as displayed


def directions(yaw: float, pitch: float, field: float) -> np.ndarray:
    """Unit vectors (HEIGHT, WIDTH, 3) that the pixels of a view look along; radians, ``field`` across the width."""
    focal = WIDTH / 2 / np.tan(field / 2)
    x, y = np.meshgrid(np.arange(WIDTH) - WIDTH / 2 + 0.5, np.arange(HEIGHT) - HEIGHT / 2 + 0.5)
    ray = np.stack([x, y, np.full_like(x, focal)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    cos, sin = np.cos(pitch), np.sin(pitch)
    ray = ray @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    cos, sin = np.cos(yaw), np.sin(yaw)
    return ray @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def view(panorama: np.ndarray, yaw: float, pitch: float, field: float, how: int) -> np.ndarray:
    """Cut one view of a panorama (H, W, 3), interpolated as OpenCV's flag ``how`` says."""
    height, width = panorama.shape[:2]
    ray = directions(yaw, pitch, field)
    x = (np.arctan2(ray[..., 0], ray[..., 2]) / (2 * np.pi) + 0.5) * width - 0.5
    y = (np.arcsin(np.clip(ray[..., 1], -1, 1)) / np.pi + 0.5) * height - 0.5
    return cv2.remap(panorama, x.astype(np.float32), y.astype(np.float32), how, borderMode=cv2.BORDER_WRAP)


def developed(image: np.ndarray, grey: float) -> np.ndarray:
    """Turn linear light (H, W, 3) into uint8 as displayed, where ``grey`` is to come out as ``BRIGHTNESS``."""
    image = np.maximum(image, 0) * BRIGHTNESS ** 2.2 / grey
    image = np.where(image > 0.8, 0.8 + 0.2 * (1 - np.exp(-(image - 0.8) / 0.4)), image)  # a shoulder, as cameras have
    return np.rint(255 * np.clip(image, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def read(path: str | Path) -> np.ndarray:
    """A panorama as RGB (H, W, 3): float32, linear light of any range, of .hdr and .exr; uint8 of photographs. Raises
    UserError: it cannot be read."""
    if Path(path).suffix.lower() not in LIGHT:
        return read_photo(path)
    if is_plate(path):
        return off_curve(read_plate(path)[0])
    light = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if light is None:
        raise UserError(f"{path} cannot be read as an image.")
    if light.ndim == 2:
        return np.repeat(light[..., None], 3, axis=2)
    return np.ascontiguousarray(light[..., 2::-1])


def views_of(path: str | Path, folder: str | Path, count: int) -> list[Path]:
    """The files that ``cut`` writes."""
    return [Path(folder) / f"{Path(path).stem}-{number}.jpg" for number in range(count)]


def check_names(panoramas: Sequence[str], folder: str | Path, count: int) -> None:
    """Raise UserError where a view would replace that of another panorama, or a panorama."""
    taken = {os.path.realpath(path): path for path in panoramas}
    for path in panoramas:
        for file in map(os.path.realpath, views_of(path, folder, count)):
            if file in taken:
                raise UserError(f"a view of {path} would replace {taken[file]}, for views are called after their panorama. "
                                "Rename one, or cut them into two folders.")
            taken[file] = f"one of {path}"


def cut(path: str | Path, folder: str | Path, count: int) -> None:
    """Write ``count`` views of one panorama; files that are there already are replaced. Raises UserError: it cannot be
    read."""
    panorama = read(path)
    linear = panorama.dtype == np.float32
    for number, file in enumerate(views_of(path, folder, count)):
        yaw, pitch = 2 * np.pi * (number + 0.5) / count, 0.12 * (-1) ** number
        look = yaw, pitch, np.deg2rad(85 - 20 * (number % 2))
        image = panorama
        if linear:  # developed before it is interpolated finely: lamps would get rings
            image = developed(panorama, np.median(view(panorama, *look, cv2.INTER_LINEAR).mean(2)) + 1e-6)
        image = view(image, *look, cv2.INTER_CUBIC)
        write_image(file, image)


def main(argv: list[str] | None = None) -> None:
    """Read the command line and cut each panorama."""
    parser = CommandLine(prog="python -m dataset.stream.panorama", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panorama", nargs="+")
    parser.add_argument("folder")
    parser.add_argument("--views", type=int, default=5)
    args = parser.parse_args(argv)
    panoramas = list(dict.fromkeys(args.panorama))
    check_names(panoramas, args.folder, args.views)
    Path(args.folder).mkdir(parents=True, exist_ok=True)
    for path in panoramas:
        cut(path, args.folder, args.views)


if __name__ == "__main__":
    run_main(main)
