"""One engine in a process of its own, timed on request: the other side of ``benchmarks.infer``."""
from __future__ import annotations

import json
import sys

import numpy as np


def serve(work: dict, begun: float) -> None:
    """The process of one row: matte once, then as often as lines on standard input say."""
    import time

    from bgmatting.model import Matter
    from bgmatting.utils.machine import peak_memory
    with np.load(work["photos"]) as photos:
        src, given = photos["src"], {name: photos[name] for name in [work["needs"]] if name is not None}
    matter = Matter(work["weights"], work["backend"], work["device"], work.get("scale"), sample_pixels=work.get("pixels"),
                    precision=work["precision"], fill=False)
    want = work["want"]
    matte = matter.predict(src, want=want, **given)
    start = time.time() - begun
    np.save(work["matte"], matte.pha)
    del matte
    print(json.dumps({"start": start, "device": matter.settings["device"]}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(json.loads(line)["frames"]):
            before = time.perf_counter()
            matter.predict(src, want=want, **given)
            seconds.append(time.perf_counter() - before)
        print(json.dumps({"seconds": seconds, "memory": peak_memory(matter.settings["device"])}), flush=True)


def main(argv: list[str] | None = None) -> None:
    from bgmatting.utils.machine import process_start
    begun = process_start()
    from bgmatting.utils.cpu import prepare_cpu
    prepare_cpu(load=False)
    serve(json.loads((sys.argv[1:] if argv is None else argv)[0]), begun)


if __name__ == "__main__":
    from bgmatting.utils.cli import run_main
    run_main(main)
