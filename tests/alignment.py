"""Step by step, are networks, metrics, losses, gradients and training those of the authors?

    python -m tests.alignment                        # all five: half a minute of processor time
    python -m tests.alignment forward metric --output DIR

Each step compares with what the authors' implementation gave (tests/data/parity, tests/data/metrics) and writes
DIR/forward_diff.log, metric_diff.log, loss_diff.log, backward_diff.log, train_diff.log, and all of them
DIR/summary.json. Exit code 1 where a difference is out of its bound.

A line marked 'info' has no bound: float32 itself does not hold one there, in the reference no more than here, and the
same comparison in float64, where rounding cannot hide a difference, decides.
"""
import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import paddle

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "model")]
from bgmatting.evaluation.metrics import conn, grad, mse, sad  # noqa: E402
from bgmatting.media import read_gray, write_bytes  # noqa: E402
from bgmatting.model.matting import MattingBase  # noqa: E402  (the project lies one folder up)
from bgmatting.utils.cli import run_main  # noqa: E402
from bgmatting.utils.machine import versions  # noqa: E402
from tests.model.reference import (  # noqa: E402
    BACKBONES,
    FLOAT16_STEP,
    REFINES,
    difference,
    in_order,
    reference_network,
    relative,
    run,
    run_refine,
    stored,
    train,
)

FLOAT32_FORWARD, FLOAT32_LARGEST, FLOAT64_FORWARD = 1e-6, 1e-4, 1e-9
ROUNDED_FORWARD = 5e-6                   # base MobileNetV2 in float32 where no float64 reference is kept
METRIC, LOSS = 1e-5, 1e-5                # relative
GRADIENT, GRADIENT64 = 1e-3, 1e-6        # relative, of the norms
STEPS, STEPS64 = 1e-4, 1e-8              # relative, of the losses


class Line(NamedTuple):
    """One comparison. A bound that is None is not asked for; with neither, the line is for information."""
    name: str
    mean: float
    largest: float
    mean_bound: Optional[float] = None
    largest_bound: Optional[float] = None

    @property
    def passed(self):
        """True, False, or None for a line for information. A difference that is not a number fails."""
        pairs = [(value, bound) for value, bound in ((self.mean, self.mean_bound), (self.largest, self.largest_bound))
                 if bound is not None]
        return all(value <= bound for value, bound in pairs) if pairs else None

    def __str__(self):
        bounds = [f"{word} <= {bound:.0e}" if bound else f"{word} = 0" for word, bound in
                  (("mean", self.mean_bound), ("max", self.largest_bound)) if bound is not None]
        verdict = {True: "PASS", False: "FAIL", None: "info"}[self.passed]
        return f"{self.name:<52} {self.mean:>9.1e} {self.largest:>9.1e}  {', '.join(bounds):<28} {verdict}"


class Trainings:
    """Runs the stored trainings, each once: trainings(kind, dtype) -> what ``reference.train`` returns."""

    def __init__(self):
        self._done = {}

    def __call__(self, kind, dtype="float32"):
        if (kind, dtype) not in self._done:
            self._done[kind, dtype] = train(stored(f"train_{kind}_mobilenetv2"), dtype)
        return self._done[kind, dtype]


def forward(read, _, quick=False):
    """Base networks, then whole networks: absolute differences of outputs in 0..1."""
    for backbone in BACKBONES[:1] if quick else BACKBONES:
        case = read(f"base_{backbone}")
        out = run(reference_network(MattingBase, backbone), case)
        for key in ("pha", "fgr", "err"):
            usual = ROUNDED_FORWARD if backbone == "mobilenetv2" else FLOAT32_FORWARD
            bounds = (None, None) if f"{key}64" in case else (usual, FLOAT32_LARGEST)
            yield _line(f"base {backbone}, {key}", difference(getattr(out, key), case[key], case["stride"]), *bounds)
    case = read("base_mobilenetv2")
    out = run(reference_network(MattingBase, "mobilenetv2", dtype="float64"), case, "float64")
    yield _line("base mobilenetv2, fgr, float64 to stored float32", difference(out.fgr, case["fgr"], case["stride"]))
    for key in ("pha", "err"):
        off = difference(getattr(out, key), case[f"{key}64"], case["stride"])
        yield _line(f"base mobilenetv2, {key}, float64", off, FLOAT64_FORWARD, FLOAT64_FORWARD)
    for name in REFINES[3:4] if quick else REFINES:
        case = read(f"refine_{name}")
        out = run_refine(name, case)
        yield _line(f"{name}, pha", difference(out.pha, case["pha"], case["stride"]), FLOAT32_FORWARD, FLOAT32_LARGEST)
        yield _line(f"{name}, fgr (kept as float16)", difference(out.fgr, case["fgr"], case["stride"]),
                    None, FLOAT16_STEP + 1e-5)
        yield _line(f"{name}, refined patches", out.ref_sm.numpy() != case["ref_sm"], 0.0, 0.0)


def metric(read, *_):
    """SAD, MSE, Grad and Conn of eight pictures: differences relative to the authors' scripts."""
    folder, values = HERE / "data" / "metrics", read("metrics")
    cases = {name: [read_gray(folder / f"{name}_{part}.png") for part in ("pred", "target", "trimap")] for name in values}
    for one in (sad, mse, grad, conn):
        found = [one(*pictures) for pictures in cases.values()]
        yield _line(one.__name__, relative(found, [values[name][one.__name__] for name in cases]), None, METRIC)


def loss(read, trainings, *_):
    """Loss terms of the first step: relative differences."""
    for kind in ("base", "refine"):
        terms, expected = trainings(kind)[0], json.loads(str(read(f"train_{kind}_mobilenetv2")["terms"]))
        for name, value in expected.items():
            yield _line(f"{kind}, {name}", relative([terms[name]], [value]), None, LOSS)
        yield _line(f"{kind}, terms that only one side has", np.array([len(set(terms) ^ set(expected))]), None, 0.0)


def backward(read, trainings, *_):
    """The norm of each parameter's first gradient: relative differences."""
    for kind, dtype, bound in (("base", "float32", None), ("base", "float64", GRADIENT64), ("refine", "float32", GRADIENT)):
        case = read(f"train_{kind}_mobilenetv2")
        found = in_order(trainings(kind, dtype)[1], case["grad_names"])
        off = relative(found, case["grad_norms64" if dtype == "float64" else "grad_norms"])
        yield _line(f"{kind}, {len(found)} gradient norms, {dtype}", off, None, bound)


def training(read, trainings, *_):
    """The losses of five Adam steps: relative differences."""
    for kind, dtype, bound in (("base", "float32", None), ("base", "float64", STEPS64), ("refine", "float32", STEPS)):
        expected = read(f"train_{kind}_mobilenetv2")["losses64" if dtype == "float64" else "losses"]
        yield _line(f"{kind}, losses of 5 steps, {dtype}", relative(trainings(kind, dtype)[2], expected), None, bound)


STEPS_IN_ORDER = {"forward": forward, "metric": metric, "loss": loss, "backward": backward, "train": training}


def read_reference(name):
    """The stored reference ``name``: arrays of tests/data/parity, or for 'metrics' the values of tests/data/metrics."""
    if name == "metrics":
        return json.loads((HERE / "data" / "metrics" / "values.json").read_text())
    return stored(name)


def align(steps, trainings, output, read, quick=False):
    """Run ``steps`` on the CPU, print their lines, and write the logs and the summary.

    Args:
        steps: words of STEPS_IN_ORDER.
        trainings: ``Trainings``.
        output: folder.
        read: name -> reference, as ``read_reference``.
        quick: forward with MobileNetV2 alone.

    Returns:
        True where every line with a bound is within it.
    """
    summary = {"passed": True, "versions": versions(), "steps": {}}
    before = paddle.get_device()
    paddle.set_device("cpu")  # the bounds are those of a CPU; the convolutions of a GPU round otherwise
    try:
        for step in steps:
            passed, lines = _run_step(step, STEPS_IN_ORDER[step](read, trainings, quick), Path(output))
            summary["steps"][step] = {"passed": passed, "lines": [{**line._asdict(), "passed": line.passed}
                                                                  for line in lines]}
            summary["passed"] = summary["passed"] and passed
    finally:
        paddle.set_device(before)
    write_bytes(Path(output) / "summary.json", (json.dumps(summary, indent=1) + "\n").encode("utf-8"))
    print("\n".join(f"{step:<9} {'PASS' if found['passed'] else 'FAIL'}" for step, found in summary["steps"].items()))
    return summary["passed"]


def _run_step(step, comparisons, output):
    lines = []
    print(f"{step}: {STEPS_IN_ORDER[step].__doc__}\n{'':<52} {'mean':>9} {'max':>9}  bound")
    for line in comparisons:
        lines.append(line)
        print(line, flush=True)
    passed = all(line.passed is not False for line in lines)
    text = "".join(f"{line}\n" for line in lines) + f"{step}: {'PASS' if passed else 'FAIL'}\n"
    write_bytes(output / f"{step}_diff.log", text.encode("utf-8"))
    return passed, lines


def _line(name, off, mean_bound=None, largest_bound=None):
    return Line(name, float(np.mean(off)), float(np.max(off)), mean_bound, largest_bound)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.alignment", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"any of {' '.join(STEPS_IN_ORDER)} (default: all)")
    parser.add_argument("--output", default="log/alignment", help="folder for logs and summary (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="forward: MobileNetV2 alone")
    args = parser.parse_args(argv)
    unknown = [step for step in args.steps if step not in STEPS_IN_ORDER]
    if unknown:
        parser.error(f"unknown step '{unknown[0]}'; known: {', '.join(STEPS_IN_ORDER)}")
    passed = align(args.steps or list(STEPS_IN_ORDER), Trainings(), args.output, read_reference, args.quick)
    print(f"wrote {args.output}")
    return 0 if passed else 1


if __name__ == "__main__":
    run_main(main)
