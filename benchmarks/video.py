"""How fast a video becomes a matte, from its file to the files: ``python benchmark.py video``.

Every turn is a process of its own that works on the whole clip; rows take turns, A B C A B C, so that what else the machine
does meets them alike. Frames a second are those between the first finished frame and the end of the last file: what starting
takes is in the column beside it. With --peer, the authors' inference_video.py runs beside it with the same weights. A second
table shows where the time of one frame goes when nothing else runs beside it.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bgmatting.benchmarks.infer import SIZES, write_peer_weights
from bgmatting.dataset.generate import make_background
from bgmatting.dataset.generate.clip import make_clip
from bgmatting.media import write_image
from bgmatting.media.operations import blend
from bgmatting.media.video.colour import Colour
from bgmatting.media.video.reader import Info
from bgmatting.media.video.writer import open_writer
from bgmatting.model.weights import STARTER, describe_state, from_torch_names, read_weights
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from bgmatting.utils.machine import describe_machine
from bgmatting.utils.sizes import parse_size

HELP = "frames a second of videos, beside the authors' script with --peer, and where the time goes"
PEER = "authors' inference_video.py"
RATE = 25  # frames a second of the generated clip
STAGES = ("decoding", "matting", "compositing", "encoding")


def add_flags(parser: ArgumentParser) -> None:
    """The flags of ``benchmark.py video``."""
    add = parser.add_argument
    add("--src", help="a video (default: a generated clip)")
    add("--bgr", help="photo of its empty scene (default: the generated clip's)")
    add("--size", default="hd", help="of the generated clip: hd, 4k or WIDTHxHEIGHT (default: %(default)s)")
    add("--frames", type=int, default=24, help="of the generated clip (default: %(default)s)")
    add("--backbone-scale", nargs="+", default=["default", "0.5"], metavar="SCALE",
        help="a row for each; default: what predict.py takes (default: default 0.5)")
    add("--precision", default="auto", help="as of predict.py (default: %(default)s)")
    add("--weights", default=str(STARTER), help="weights file (default: the starter weights)")
    add("--rounds", type=int, default=3, help="turns that each row takes (default: %(default)s)")
    add("--peer", metavar="CHECKOUT", help="folder of the authors' code (BackgroundMattingV2)")
    add("--peer-python", default=sys.executable, help="an interpreter with torch and torchvision (default: this one)")


class Row(NamedTuple):
    """A row of the table: its name, the command of a turn, and what each turn told, as ``video_worker.whole`` does."""
    name: str
    command: list
    turns: list


def run(args: Namespace) -> None:
    """Measure, and print two tables. Raises UserError: a flag that cannot be used, or a row that fails."""
    _check(args)
    print("\n".join(describe_machine()))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        src, bgr = (args.src, args.bgr) if args.src else write_clip(folder, args.frames, *parse_size(args.size, SIZES))
        rows = _rows(args, folder, src, bgr)
        for name in args.backbone_scale:  # exports are made once for a weights file, and are not to be measured
            _turn(_work(args, folder, src, bgr, name, stages=1))
        for _ in range(args.rounds):
            for row in rows:
                row.turns.append(_turn(row.command))
        first = rows[0].turns[0]
        print(f"{first['frames']} frames, {first['size']}, pha and com as MP4; median of {args.rounds} turns (lowest to "
              f"highest).\n")
        print("\n".join(render(rows)), flush=True)
        stages = {name: _turn(_work(args, folder, src, bgr, name, stages=8)) for name in args.backbone_scale}
    print("\nMilliseconds of a frame, each stage alone on all cores; in a run they go side by side.\n")
    print(f"| backbone scale | {' | '.join(STAGES)} |\n| --- |{' --- |' * len(STAGES)}")
    for name, found in stages.items():
        print(f"| {name} | {' | '.join(format(found[stage], '.1f') for stage in STAGES)} |")


def _check(args):
    if args.rounds < 1 or args.frames < 2:
        raise UserError("--rounds must be 1 or more, --frames 2 or more.")
    if (args.src is None) != (args.bgr is None):
        raise UserError("--src and --bgr go together: a video, and a photo of its empty scene.")
    if args.peer and not (Path(args.peer) / "inference_video.py").is_file():
        raise UserError(f"--peer {args.peer} is not a checkout of BackgroundMattingV2: it has no inference_video.py.")
    for scale in args.backbone_scale:
        if scale != "default" and not _is_scale(scale):
            raise UserError(f"--backbone-scale is default, or a number above 0 and at most 0.5, not {scale}.")


def _is_scale(text):
    try:
        return 0 < float(text) <= 0.5
    except ValueError:
        return False


def write_clip(folder: str | os.PathLike, frames: int, height: int, width: int) -> tuple[str, str]:
    """A generated person before a generated scene: (path of the video, path of an image of the empty scene)."""
    rng = np.random.default_rng(0)
    bgr = make_background(rng, height, width)
    src, plate = folder / "clip.mp4", folder / "bgr.png"
    write_image(plate, bgr)
    info = Info(width, height, Fraction(RATE), Fraction(1, 512 * RATE), Colour(), None, None, False, Fraction(1))
    writer = open_writer(src, info)
    for index, (pha, fgr) in enumerate(make_clip(rng, frames, height, width)):
        writer.write(blend(fgr, pha, bgr), Fraction(index, RATE), Fraction(1, RATE))
    writer.close()
    return src, plate


def backbone_of(weights: str | os.PathLike) -> str:
    """The name of a weights file's backbone."""
    return describe_state(from_torch_names(read_weights(weights)[0]))["backbone"]


def _rows(args, folder, src, bgr):
    rows = [Row(f"backbone scale {scale}", _work(args, folder, src, bgr, scale), []) for scale in args.backbone_scale]
    if args.peer:
        work = {"checkout": str(Path(args.peer).resolve()), "src": str(src), "bgr": str(bgr), "out": str(folder / "peer"),
                "weights": str(write_peer_weights(args.weights, folder)), "backbone": backbone_of(args.weights)}
        rows.append(Row(PEER, [args.peer_python, str(PROJECT / "benchmarks" / "authors_video.py"), json.dumps(work)], []))
    return rows


def _work(args, folder, src, bgr, scale, stages=0):
    """The command of one turn; with ``stages``, of so many frames by stage."""
    work = {"src": str(src), "bgr": str(bgr), "out": str(folder / "ours"), "weights": args.weights, "stages": stages,
            "scale": None if scale == "default" else float(scale), "precision": args.precision}
    return [sys.executable, "-m", "bgmatting.benchmarks.video_worker", json.dumps(work)]


def _turn(command):
    """The facts in a process's last line. Raises UserError: it failed."""
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        last = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
        raise UserError(f"{Path(command[1]).name if command[1] != '-m' else command[2]} failed: "
                        f"{last.removeprefix('error: ')[:200]}")
    return json.loads(told[-1])


def render(rows: list) -> list[str]:
    """Lines of the table, and of the ratios to the authors' script, turn by turn."""
    lines = ["| what | frames/s | processor, s/frame | starting, s | peak memory |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        memory = max(turn["memory"] for turn in row.turns) / 2 ** 20
        lines.append(f"| {row.name} | {_spread(row, 'fps', 2)} | {_spread(row, 'cpu', 2)} | {_spread(row, 'start', 1)} | "
                     f"{memory:.0f} MiB |")
    peers = [row for row in rows if row.name == PEER]
    for row in rows:
        if peers and row.name != PEER:
            ratios = sorted(ours["fps"] / theirs["fps"] for ours, theirs in zip(row.turns, peers[0].turns))
            lines.append(f"- {row.name}: {statistics.median(ratios):.2f} times as fast as the {PEER} "
                         f"({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return lines


def _spread(row, key, digits):
    values = sorted(turn[key] for turn in row.turns)
    return f"{statistics.median(values):.{digits}f} ({values[0]:.{digits}f} to {values[-1]:.{digits}f})"
