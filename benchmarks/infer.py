"""How fast photos become mattes, and in how much memory: ``python benchmark.py infer``.

Every row is a process of its own. They take turns, A B C A B C, so that what else the machine does meets them alike.
A frame goes from two uint8 photos in memory to pha and fgr in memory. With --peer, the authors' PyTorch code runs beside
it with the same weights and settings, tensors in, tensors out, eager and with channels last. With --method modnet or dim
it goes from one photo (and a trimap whose unknown band is of usual width) to pha, and --peer-paddleseg runs PaddleSeg's own
code beside it, in dygraph, with the same weights, from the photo in memory to alpha at its size.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bgmatting.benchmarks.infer_weights import weights_for, write_paddleseg_weights, write_peer_weights
from bgmatting.media import read_image
from bgmatting.model.methods import METHODS, find_method
from bgmatting.model.refinement import BACKBONE_SCALE, Refinement
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from bgmatting.utils.machine import describe_machine, find_device
from bgmatting.utils.sizes import parse_size

HELP = "milliseconds a frame of each backend, beside the authors' code with --peer"
SIZES = {"hd": (1080, 1920), "4k": (2160, 3840)}
PEERS = ("eager", "channels-last")
SLOW = ("paddle", "paddle-inference")  # a third of the frames tells enough of them


def add_flags(parser: ArgumentParser) -> None:
    """The flags of ``benchmark.py infer``."""
    add = parser.add_argument
    add("--backend", nargs="+", metavar="BACKEND[:PRECISION]",
        default=["openvino", "openvino:bf16", "openvino:int8", "onnxruntime", "paddle-inference", "paddle"],
        help="default: openvino openvino:bf16 openvino:int8 onnxruntime paddle-inference paddle")
    add("--method", default="background", help=f"{', '.join(METHODS)} (default: background)")
    add("--backbone", nargs="+", help="default: mobilenetv2, with the starter weights, or the method's first; all but that "
        "one have random weights")
    add("--weights", help="weights file in place of those, for its own backbone")
    add("--size", nargs="+", default=["hd", "4k"], help="hd, 4k or WIDTHxHEIGHT (default: hd 4k)")
    add("--backbone-scale", type=float, default=BACKBONE_SCALE, help="default: %(default)s")
    add("--sample-pixels", type=int, default=Refinement().sample_pixels, help="default: %(default)s")
    add("--rounds", type=int, default=4, help="turns that each row takes (default: %(default)s)")
    add("--frames", type=int, default=4, help="frames a turn (default: %(default)s)")
    add("--src", default=PROJECT / "image" / "sample" / "src.jpg", help="photo (default: image/sample/src.jpg)")
    add("--bgr", default=PROJECT / "image" / "sample" / "bgr.jpg", help="its background")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--peer", metavar="CHECKOUT", help="folder of the authors' code (BackgroundMattingV2)")
    add("--peer-paddleseg", metavar="CHECKOUT", help="with --method modnet or dim: folder of PaddleSeg")
    add("--peer-python", default=sys.executable, help="an interpreter that has what the peer needs (default: this one)")


def run(args: Namespace) -> None:
    """Measure, and print a table for each backbone and size. Raises UserError: a flag that cannot be used."""
    sizes = [parse_size(word, SIZES) for word in args.size]
    if args.rounds < 1 or args.frames < 1:
        raise UserError("--rounds and --frames must be 1 or more.")
    if args.peer and not (Path(args.peer) / "model" / "model.py").is_file():
        raise UserError(f"--peer {args.peer} is not a checkout of BackgroundMattingV2: it has no model/model.py.")
    if args.device:
        find_device(args.device)
    method = find_method(args.method)
    _check_peers(args, method)
    print("\n".join(describe_machine()))
    refined = f"; backbone scale {args.backbone_scale:g}, {args.sample_pixels} pixels refined" if method.refines else ""
    print(f"{method.name}. Median of {args.rounds * args.frames} frames in {args.rounds} turns{refined}.")
    with tempfile.TemporaryDirectory() as folder:
        for backbone in args.backbone or [method.backbones[0]]:
            weights = weights_for(method, backbone, args.weights, Path(folder))
            for height, width in sizes:
                table(args, method, Path(folder), backbone, weights, height, width)


def _check_peers(args, method):
    if args.peer and not method.refines:
        raise UserError(f"--peer is for the method background; beside {method.name} --peer-paddleseg runs.")
    if args.peer_paddleseg and method.refines:
        raise UserError("--peer-paddleseg is for the methods that PaddleSeg has: --method modnet or dim.")
    if args.peer_paddleseg and not (Path(args.peer_paddleseg) / "Matting" / "ppmatting").is_dir():
        raise UserError(f"--peer-paddleseg {args.peer_paddleseg} is not a checkout of PaddleSeg: it has no "
                        "Matting/ppmatting.")


def band(height: int, width: int) -> np.ndarray:
    """A trimap whose edge runs around an ellipse in the middle: uint8 (H, W), about an eighth of it unknown."""
    trimap = np.zeros((height, width), np.uint8)
    for scale, value in ((0.36, 128), (0.28, 255)):
        cv2.ellipse(trimap, (width // 2, height // 2), (round(width * scale), round(height * scale)), 0, 0, 360, value, -1)
    return trimap


def table(args: Namespace, method: Any, folder: str | os.PathLike, backbone: str, weights: str | os.PathLike, height: int,
          width: int) -> None:
    """Measure and print one table."""
    photos = folder / "photos.npz"
    np.savez(photos, trimap=band(height, width), **{
        name: cv2.resize(read_image(path), (width, height), interpolation=cv2.INTER_AREA)
        for name, path in (("src", args.src), ("bgr", args.bgr))})
    common = {"photos": str(photos), "backbone": backbone, "device": args.device, "method": method.name,
              "needs": method.needs, "want": method.outputs}
    if method.refines:
        common.update(scale=args.backbone_scale, pixels=args.sample_pixels)
    rows = [Row(spec, [sys.executable, "-m", "bgmatting.benchmarks.infer_worker"], folder, {
        **common, "weights": str(weights), "backend": spec.split(":")[0], "precision": (spec.split(":") + ["fp32"])[1]})
        for spec in args.backend]
    if args.peer:
        arrays = write_peer_weights(weights, folder)
        script = str(PROJECT / "benchmarks" / "authors_torch.py")
        rows += [Row(f"authors, {how}", [args.peer_python, script], folder, {
            **common, "weights": str(arrays), "checkout": str(args.peer), "how": how}) for how in PEERS]
    if args.peer_paddleseg:
        script, arrays = str(PROJECT / "benchmarks" / "peer_paddleseg.py"), write_paddleseg_weights(weights, method, folder)
        rows.append(Row("PaddleSeg, dygraph", [args.peer_python, script], folder, {
            **common, "weights": str(arrays), "checkout": str(Path(args.peer_paddleseg).absolute())}))
    measure(args, rows)
    network = backbone if method.refines else f"{method.name} {backbone}"
    print("\n".join(render(rows, network, height, width)), flush=True)


def measure(args: Namespace, rows: list[Row]) -> None:
    """Let the rows take turns."""
    try:
        for row in rows:  # exports are made once for a weights file; how long that takes is not to be measured
            if row.exports:
                row.start()
                row.stop()
        for row in rows:
            row.start()
        for _ in range(args.rounds):
            for row in rows:
                row.measure(max(1, args.frames // 3) if row.name in SLOW else args.frames)
        for row in rows:
            row.finish()
    finally:
        for row in rows:
            row.stop()


class Row:
    """One process that mattes the same frame whenever it is asked to. name: first column; command: starts the process,
    which gets ``work`` as JSON behind it; folder: for the matte it leaves."""

    def __init__(self, name: str, command: list[str], folder: str | os.PathLike, work: dict):
        self.peer = name.startswith(("authors", "PaddleSeg"))  # and not of this project
        self.name, self.seconds, self.error, self.facts = name, [], None, {}
        self.exports = work.get("backend", "paddle") != "paddle"
        self.matte = folder / f"{abs(hash(name))}.npy"
        self._command = [*command, json.dumps({**work, "matte": str(self.matte)})]
        self._process = None

    def start(self) -> None:
        """Start it, and wait for its first matte."""
        self._process = subprocess.Popen(self._command, cwd=PROJECT, text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.facts.update(self._answer() or {})

    def measure(self, frames: int) -> None:
        """Let it work on ``frames`` frames."""
        found = self._ask({"frames": frames})
        self.seconds += found["seconds"] if found else []

    def finish(self) -> None:
        """Ask how much memory it took."""
        self.facts.update(self._ask({"frames": 0}) or {})

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, question):
        if self.error:
            return None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended; why, is said below
        return self._answer()

    def _answer(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        last = (self._process.stderr.read().strip().splitlines() or ["ended without a word"])[-1]
        self.error = last.removeprefix("error: ")[:100]
        return None


def render(rows: list[Row], network: str, height: int, width: int) -> list[str]:
    """Lines of the table, and of the ratios to the peers."""
    exact = next((np.load(row.matte) for row in rows if row.name == "paddle" and not row.error), None)
    lines = ["", f"{network}, {width}x{height}", "",
             "| backend | device | ms/frame | fps | peak memory | start to first matte | largest (mean) difference of pha |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        if row.error:
            lines.append(f"| {row.name} | {row.error} | - | - | - | - | - |")
            continue
        middle, difference = statistics.median(row.seconds), "-"
        if exact is not None:
            off = np.abs(np.load(row.matte) - exact)
            difference = f"{off.max():.1e} ({off.mean():.1e})"
        lines.append(f"| {row.name} | {row.facts['device']} | {middle * 1e3:.0f} | {1 / middle:.2f} | "
                     f"{row.facts['memory'] / 2 ** 20:.0f} MiB | {row.facts['start']:.2f} s | {difference} |")
    peers = [row for row in rows if row.peer and not row.error]
    for row in rows:
        if peers and not row.error and not row.peer:
            times = ", ".join(f"{statistics.median(peer.seconds) / statistics.median(row.seconds):.2f}x {peer.name}"
                              for peer in peers)
            memory = row.facts["memory"] / peers[0].facts["memory"]
            lines.append(f"- {row.name}: speed {times}; peak memory {memory:.2f}x {peers[0].name}")
    return lines
