"""Mattes of generated films with known alpha, frame by frame and smoothed: what flicker is left, and what it costs.

    python tests/faults/flicker_trials.py [--first 80] [--films 12] [--frames 24] [--size 216 384] [--speed 1]
    python tests/faults/flicker_trials.py --cost [--size 1080 1920]

Prints dtSSD (Erofeev et al., "Perceptually Motivated Benchmark for Video Matting", BMVC 2015; whole picture, times 100) and
SAD (thousands) for each film and their means; with --cost the milliseconds of each step for one film, and as a share of
``Matter.predict``. Exit code 1 where dtSSD falls by less than a quarter, or SAD rises. Seeds 0 to 79 served for tuning.
"""
import argparse
import sys
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from bgmatting.media.alignment.camera_motion import fitter  # noqa: E402
from bgmatting.model import Matter  # noqa: E402  (the project lies two folders up)
from bgmatting.prediction.smoothing import Smoother  # noqa: E402
from tests.prediction.films import make_film  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=80, help="the first film's seed")
    parser.add_argument("--films", type=int, default=12)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--cost", action="store_true")
    args = parser.parse_args()
    if args.cost:
        cost(args.first, args.size or (1080, 1920))
        return
    matter = Matter(fill=False)
    rows = [trial(matter, seed, args.frames, args.size or (216, 384), args.speed)
            for seed in range(args.first, args.first + args.films)]
    single, smooth = np.mean(rows, axis=0)
    print(f"mean: dtSSD {single[0]:.3f} -> {smooth[0]:.3f} ({smooth[0] / single[0] - 1:+.1%}), "
          f"SAD {single[1]:.3f} -> {smooth[1]:.3f} ({smooth[1] / single[1] - 1:+.1%})")
    sys.exit(0 if smooth[0] <= 0.75 * single[0] and smooth[1] <= single[1] else 1)


def trial(matter, seed, frames, size, speed):
    """((dtSSD, SAD) frame by frame, the same smoothed) of one film; prints them."""
    film, smoother = make_film((9, seed), frames, *size, speed=speed), Smoother()
    truth = np.stack(film.phas) / np.float32(255)
    phas = np.stack([matter.predict(src, film.bgr, ("pha",)).pha for src in film.srcs])
    smooth = np.stack([smoother(src, pha) for src, pha in zip(film.srcs, phas)])
    rows = [(dtssd(which, truth), float(np.abs(which - truth).sum((1, 2)).mean()) / 1000) for which in (phas, smooth)]
    print(f"film {seed}: dtSSD {rows[0][0]:.3f} -> {rows[1][0]:.3f}, SAD {rows[0][1]:.3f} -> {rows[1][1]:.3f}", flush=True)
    return rows


def dtssd(phas, truth):
    """Root of the mean squared error of the change from frame to frame, mean over frames, times 100."""
    wrong = np.diff(phas, axis=0) - np.diff(truth, axis=0)
    return 100 * float(np.sqrt(np.square(wrong).mean((1, 2))).mean())


def cost(seed, size, frames=8):
    """Print the median milliseconds of what can be done with a frame: by the clock, and of all cores together."""
    film, matter = make_film((9, seed), frames, *size), Matter(fill=False)
    fit, follow, smoother = fitter(), fitter(video=True), Smoother()
    steps = {"predict": lambda src: matter.predict(src, film.bgr, ("pha", "fgr")),
             "fit a photo": lambda src: fit(src, film.bgr),
             "fit a photo that moved": lambda src: fit(src, np.roll(film.bgr, 24, 1)),
             "fit a frame of a video": lambda src: follow(src, film.bgr),
             "smooth": lambda src: smoother(src, film.phas[0] / np.float32(255))}
    times = {name: [] for name in steps}
    for src in film.srcs:
        for name, step in steps.items():
            start = np.array([time.perf_counter(), time.process_time()])
            step(src)
            times[name].append(1000 * (np.array([time.perf_counter(), time.process_time()]) - start))
    base = np.median(times["predict"][1:], axis=0)
    for name, values in times.items():
        wall, busy = np.median(values[1:], axis=0)
        print(f"{name}: {wall:.0f} ms ({wall / base[0]:.0%} of predict), {busy:.0f} ms of all cores ({busy / base[1]:.0%})")


if __name__ == "__main__":
    main()
