"""How fast the input pipeline is, beside the authors' in Pillow: ``python benchmark.py data``.

Compared is the same work on both sides: from three JPEG files (fgr, pha, bgr) to an augmented crop of each. The
composition with shadow, noise and the second disturbance of bgr is left out on both sides, for the authors do it on
the GPU; a column of its own shows this project's whole sample. Times are of the processor, on one thread, so that what
else the machine does counts less; the two take turns on the same files and crops.
"""
from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bgmatting.dataset.augment import (
    BACKGROUND_SCALE,
    PAIR_SCALE,
    augment_background,
    augment_pair,
    draw_affine,
    shortest_side,
)
from bgmatting.dataset.generate import make_sample
from bgmatting.dataset.layouts.pictures import backgrounds, fgr_pha_folders
from bgmatting.media import write_image
from bgmatting.training.config import DEFAULT, load_config
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import describe_machine

KINDS = ("fgr", "pha", "bgr")
HELP = "samples a second of the input pipeline, beside the authors' in Pillow"


def add_flags(parser: ArgumentParser) -> None:
    """The flags of ``benchmark.py data``."""
    parser.add_argument("--samples", type=int, default=24, help="samples of each stage and side (default: %(default)s)")
    parser.add_argument("--files", type=int, default=4, help="images to generate (default: %(default)s)")
    parser.add_argument("--height", type=int, default=1080, help="of the images (default: %(default)s)")
    parser.add_argument("--width", type=int, default=1920, help="of the images (default: %(default)s)")


def run(args: Namespace) -> None:
    """Measure, and print a table. Raises UserError: Pillow is missing, or a flag is below 1."""
    if min(args.samples, args.files, args.height, args.width) < 1:
        raise UserError("--samples, --files, --height and --width must be 1 or more.")
    if importlib.util.find_spec("PIL") is None:
        raise UserError("the comparison needs Pillow. Run `pip install pillow`.")
    phases = load_config(DEFAULT)["phases"]
    print("\n".join(describe_machine()))
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(folder, args.files, args.height, args.width)
        rows = [(phase, phases[phase], measure(folder, phase, phases[phase], args.samples)) for phase in PAIR_SCALE]
    print("\n".join(table(rows, f"{args.width}x{args.height}")))


def write_pictures(folder: str | os.PathLike, count: int, height: int, width: int) -> None:
    """Generated samples as ``folder``/{fgr,pha,bgr}/N.jpg."""
    for number in range(count):
        pha, fgr, bgr = make_sample([0, number], height, width)
        for kind, image in zip(KINDS, (fgr, pha, bgr)):
            write_image(Path(folder, kind, f"{number}.jpg"), image)


def measure(folder: str | os.PathLike, phase: str, settings: dict, count: int) -> dict[str, float]:
    """Median processor seconds of ``count`` samples of a phase ("base" or "joint") from the ``folder`` of
    ``write_pictures``: {"pillow": up to composition, "ours": up to composition, "whole": this project's finished sample}.
    settings: the phase's part of the configuration."""
    from bgmatting.benchmarks.authors_pillow import pil_sample  # needs Pillow
    from bgmatting.dataset.samples import CompositeSet, SampleKey
    cv2.setNumThreads(0)
    pairs, scenes = fgr_pha_folders(folder, {"fgr": "fgr", "pha": "pha"}), backgrounds(folder, "bgr")
    whole = CompositeSet(pairs, scenes, settings["size"], PAIR_SCALE[phase], load_config(DEFAULT)["augment"])
    rng, seconds = np.random.default_rng(0), {"pillow": [], "ours": [], "whole": []}
    least, most = (side // 4 for side in settings["crop"])
    for number in range(-1, count):
        index = number % len(pairs)
        frame = tuple(int(side) * 4 for side in rng.integers(least, most + 1, 2))
        files = [Path(folder, kind, f"{pairs.names[index]}.jpg") for kind in KINDS]
        took = {"pillow": _time(pil_sample, rng, files, frame, settings["size"], PAIR_SCALE[phase]),
                "ours": _time(our_sample, rng, pairs, scenes, index, frame, settings["size"], PAIR_SCALE[phase]),
                "whole": _time(whole.__getitem__, SampleKey(0, max(number, 0), index, *frame))}
        if number >= 0:  # the first is for warming up
            for side, second in took.items():
                seconds[side].append(second)
    return {side: statistics.median(values) for side, values in seconds.items()}


def our_sample(rng: np.random.Generator, pairs: Any, scenes: Any, index: int, frame: tuple[int, int], size: int,
               scale: tuple[float, float]) -> tuple:
    """The steps of ``CompositeSet`` up to composition: fgr, pha, bgr as uint8 of shape ``frame``."""
    of_pair, of_bgr = draw_affine(rng, scale), draw_affine(rng, BACKGROUND_SCALE)
    pair = pairs.load(index, shortest_side(of_pair, frame))
    bgr = scenes.load(index, shortest_side(of_bgr, frame))
    return (*augment_pair(rng, pair.fgr, pair.pha, frame, size, of_pair),
            augment_background(rng, bgr, frame, size, of_bgr))


def table(rows: list, pictures: str) -> list[str]:
    """Lines of markdown from [(phase, settings, seconds as of ``measure``)]."""
    lines = [f"Samples a second of one core, from {pictures} JPEGs; median of processor time.", "",
             "| stage | square | crop | authors' pipeline in Pillow | this project | ratio | this project, composed |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for phase, settings, seconds in rows:
        rates = {side: 1 / max(value, 1e-9) for side, value in seconds.items()}
        lines.append(f"| {phase} | {settings['size']} | {settings['crop'][0]}-{settings['crop'][1]} "
                     f"| {rates['pillow']:.2f} | {rates['ours']:.2f} | {rates['ours'] / rates['pillow']:.1f}x "
                     f"| {rates['whole']:.2f} |")
    return lines


def _time(call, *arguments):
    begun = time.process_time()
    call(*arguments)
    return time.process_time() - begun
