"""A process that does one command of predict.py after the other, around a stand-in network; for bad_media.py.

Reads lines of JSON, [argument, ...], and answers each with {"code", "text", "trace", "peak"}: the exit code, what was
printed, the traceback of an exception that nobody expected, and the most memory in MiB that was in use.
"""
import contextlib
import io
import json
import os
import sys
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

ROWS = 512  # of a large photo at once, as the network has it


def stand_in():
    """One that takes for subject what differs from bgr, and is asked for nothing that a network could not do."""
    from tests.prediction.command import Matte, StandIn

    class Checked(StandIn):
        sample_pixels = 0

        def predict(self, src, bgr, want=Matte._fields, rows=None):
            if src.shape != bgr.shape or src.dtype != np.uint8 or bgr.dtype != np.uint8 or 0 in src.shape or src.ndim != 3:
                raise AssertionError(f"the network would see {src.dtype} {src.shape} and {bgr.dtype} {bgr.shape}")
            if rows is None:
                return super().predict(src, bgr, want)
            for top in range(0, len(src), ROWS):
                rows(top, super().predict(src[top:top + ROWS], bgr[top:top + ROWS], want))
            return None
    return Checked()


def answer(argv):
    """Run one command and say how it ended."""
    from bgmatting.commands import predict
    from bgmatting.prediction import core
    from bgmatting.utils.cli import run_main
    core.open_matter = lambda args: stand_in()
    text, trace, code = io.StringIO(), "", None
    restart_peak()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            run_main(predict.main, argv)
        except SystemExit as error:
            code = error.code
        except BaseException:
            trace = traceback.format_exc()
    return {"code": code, "text": text.getvalue(), "trace": trace, "peak": peak(os.getpid())}


def restart_peak():
    """Count the peak of memory from here on, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak(pid):
    """MiB of memory that a process had in use at most; 0 where that is not known."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    if pid != os.getpid() or os.name == "nt":
        return 0.0
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2 ** 20 if sys.platform == "darwin" else 1024)


def main():
    import cv2
    if hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(0)
    cv2.setNumThreads(1)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no reply
    for line in sys.stdin:
        replies.write(json.dumps(answer(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
