"""Weights files put together at random from the grammar of their formats, to see what reading them costs.

    python -m tests.faults.fuzz_weights [--cases 20000] [--seed 0]

Each batch is read in a process of its own that is limited in memory (RLIMIT_AS) and time. Code 1 where any case ran code,
raised anything but a UserError, or went over the bounds: 3 times the file and 200 MB, 5 s of processor time.
"""
import argparse
import collections
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BATCH = 500
MOST_MEMORY, MOST_TIME = 200 << 20, 5.0  # beside 3 times the file; seconds of processor time
RESULTS = ("read", "refused", "ran code", "traceback", "over the bounds")


def batch(seed, numbers, folder):
    """Read cases; a dict of how many ended how, and a list of the bad ones: (number, how, why)."""
    from tests.faults.weights_grammar import case
    tally, bad = collections.Counter(dict.fromkeys(RESULTS, 0)), []
    sentinel = Path(folder) / "ran"
    for number in numbers:
        how, why = _one(*case(seed, number, sentinel), folder, sentinel)
        tally[how] += 1
        if how not in ("read", "refused"):
            bad.append((number, how, why))
    return tally, bad


def _one(suffix, data, folder, sentinel):
    from bgmatting.model.weights import read_weights
    from bgmatting.utils.errors import UserError
    path = Path(folder) / f"w{suffix}"
    path.write_bytes(data)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    how, why = "read", ""
    try:
        read_weights(path)
    except UserError as error:
        how = "refused"
        if "\n" in str(error) or str(path) not in str(error):
            how, why = "traceback", f"its line is none: {error!r}"
    except BaseException as error:  # whatever it is: that is the question
        how, why = "traceback", repr(error)[:200]
    used, more = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if sentinel.exists():
        sentinel.unlink()
        how, why = "ran code", ""
    if used > MOST_TIME or more * 1024 > 3 * len(data) + MOST_MEMORY:
        how, why = "over the bounds", f"{used:.1f} s, {more >> 10} MB for {len(data)} bytes"
    return how, why


def _worker(seed, first, count):
    """A process of a batch: its address space may grow by the bounds, and no more."""
    from bgmatting.model.weights import read_weights  # noqa: F401 - what it takes is not the file's
    from tests.faults.weights_grammar import LARGEST
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = now + 3 * LARGEST + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        tally, bad = batch(seed, range(first, first + count), folder)
    print(json.dumps([tally, bad]))


def run(seed, cases):
    """Read ``cases`` cases in processes; (tally, list of the bad ones)."""
    total, bad = collections.Counter(dict.fromkeys(RESULTS, 0)), []
    for first in range(0, cases, BATCH):
        count = min(BATCH, cases - first)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.faults.fuzz_weights", "--worker", str(first), str(count), "--seed", str(seed)],
                cwd=PROJECT, capture_output=True, text=True, timeout=count * MOST_TIME)
            tally, wrong = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            tally, wrong = {"over the bounds": count}, [(first, "over the bounds", f"the batch died or hung: {error!r}")]
        total.update(tally)
        bad += wrong
    return total, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", type=int, nargs=2, metavar=("FIRST", "COUNT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads reserve address space
    if args.worker:
        _worker(args.seed, *args.worker)
        return 0
    tally, bad = run(args.seed, args.cases)
    print(f"cases {args.cases}, seed {args.seed}: " + ", ".join(f"{how} {tally[how]}" for how in RESULTS))
    for number, how, why in bad[:50]:
        print(f"  case {number}: {how} {why}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
