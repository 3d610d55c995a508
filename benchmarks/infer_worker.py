"""One engine in a process of its own, timed on request: the other side of ``benchmarks.infer``."""
from __future__ import annotations

import json
import sys

import numpy as np

from bgmatting.benchmarks.turns import process_start, take_turns


def serve(work: dict, begun: float) -> None:
    """The process of one row."""
    from bgmatting.model import Matter
    from bgmatting.utils.machine import peak_memory
    with np.load(work["photos"]) as photos:
        src, given = photos["src"], {name: photos[name] for name in [work["needs"]] if name is not None}
    matter = Matter(work["weights"], work["backend"], work["device"], work.get("scale"), sample_pixels=work.get("pixels"),
                    precision=work["precision"], fill=False)
    device = matter.settings["device"]
    take_turns(lambda: matter.predict(src, want=work["want"], **given).pha, work["matte"], begun, device,
               lambda: peak_memory(device))


def main(argv: list[str] | None = None) -> None:
    begun = process_start()
    from bgmatting.utils.cpu import prepare_cpu
    prepare_cpu(load=False)
    serve(json.loads((sys.argv[1:] if argv is None else argv)[0]), begun)


if __name__ == "__main__":
    from bgmatting.utils.cli import run_main
    run_main(main)
