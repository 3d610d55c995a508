"""The host's cost of a frame where a GPU does the work: ``python benchmark.py host``.

The path of a GPU is run on the CPU, with a stub in place of all that the device computes: it answers at once with arrays
of the right size. What is left is the host's part: checks, the bytes that go up, those that come back, and the last step.
"""
from __future__ import annotations

import statistics
import time
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np

from bgmatting.benchmarks.infer import SIZES
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import describe_machine
from bgmatting.utils.sizes import parse_size

HELP = "milliseconds that a frame takes of the host where a GPU does the work"
WANT = ("pha", "fgr")


def add_flags(parser: ArgumentParser) -> None:
    """The flags of ``benchmark.py host``."""
    add = parser.add_argument
    add("--size", nargs="+", default=["hd", "4k"], help="hd, 4k or WIDTHxHEIGHT (default: hd 4k)")
    add("--frames", type=int, default=30, help="frames of each size (default: %(default)s)")


def run(args: Namespace) -> None:
    """Measure, and print a table. Raises UserError: a flag that cannot be used."""
    sizes = [parse_size(word, SIZES) for word in args.size]
    if args.frames < 1:
        raise UserError("--frames must be 1 or more.")
    matter = stubbed_matter()
    print("\n".join(describe_machine()))
    print(f"Median and fastest of {args.frames} frames after one for warming up; pha and fgr come back.\n")
    print("| size | as | host, ms/frame | fastest |\n| --- | --- | --- | --- |")
    for height, width in sizes:
        for dtype in ("uint8", "float16"):
            seconds = measure(matter, height, width, dtype, args.frames)
            print(f"| {width}x{height} | {dtype} | {statistics.median(seconds) * 1e3:.1f} | {min(seconds) * 1e3:.1f} |",
                  flush=True)


def stubbed_matter() -> Any:
    """A Matter that takes a GPU's path on the CPU, whose device answers without computing."""
    from bgmatting.model import Matter
    matter = Matter(backend="paddle", device="cpu", on_device=True, fill=False)
    matter.device_matting.compute = Stub()
    return matter


class Stub:
    """In place of ``DeviceMatting.compute``: tensors of the right size, made once for each; alpha is a soft disc."""

    def __init__(self):
        self._made = {}

    def __call__(self, src, bgr, scale, refinement, want, dtype):
        import paddle
        key = tuple(src.shape), dtype
        if key not in self._made:
            height, width = src.shape[:2]
            y, x = np.ogrid[:height, :width]
            disc = np.clip((0.3 * height - np.hypot(y - height / 2, x - width / 2)) / 20 + 0.5, 0, 1)
            self._made[key] = {"pha": paddle.to_tensor(disc, "float32"), "residual": paddle.zeros([height, width, 3]),
                               "fgr": paddle.zeros([height, width, 3], dtype)}
        return {name: tensor for name, tensor in self._made[key].items() if name in want}


def measure(matter: Any, height: int, width: int, dtype: Any, frames: int) -> list[float]:
    """Seconds of each frame."""
    rng, seconds = np.random.default_rng(0), []
    src, bgr = (rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(2))
    for _ in range(frames + 1):
        begun = time.perf_counter()
        matter.predict(src, bgr, WANT, dtype=dtype)
        seconds.append(time.perf_counter() - begun)
    return seconds[1:]
