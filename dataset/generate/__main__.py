"""``python -m bgmatting generate``: write the sample sets, painted subjects for "stream", or a contact sheet to look at.

    python -m bgmatting generate --root DIR
    python -m bgmatting generate --sheet PNG
    python -m bgmatting generate subjects --count N FOLDER
"""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from bgmatting.dataset.generate.cutouts import write_subjects
from bgmatting.dataset.generate.sample import Sample, make_sample
from bgmatting.dataset.generate.sets import write_sample_data
from bgmatting.dataset.generate.subjects.subject import KINDS
from bgmatting.media import write_image
from bgmatting.media.operations import blend
from bgmatting.media.sheet import in_rows
from bgmatting.utils.cli import CommandLine, run_main, say


def main(argv: list[str] | None = None) -> None:
    """Read the command line and write what it asks for."""
    parser = CommandLine(prog="python -m bgmatting generate", description=__doc__.replace("``", ""),
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="folder for the sample sets, made here")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other images (default 0)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of images (default 1)")
    parser.add_argument("--private", action="store_true", help="also write private/: animals and free forms")
    parser.add_argument("--sheet", metavar="PNG", help="write a contact sheet (src, bgr, pha, fgr) instead")
    parser.add_argument("--kind", choices=KINDS, help="only this kind of subject on the sheet")
    parser.add_argument("--size", type=int, default=192, help="pixels of one image on the sheet (default 192)")
    parser.add_argument("--rows", type=int, default=8, help="rows of the sheet (default 8)")
    parser.add_argument("--columns", type=int, default=2, help="samples in a row of the sheet (default 2)")
    subjects = parser.add_subparsers(dest="command", metavar="subjects").add_parser(
        "subjects", help="write painted subjects to be used by stream_painted; a second run goes on where one stopped")
    subjects.add_argument("folder", help="folder for KIND_SEED_NUMBER.webp, made here")
    subjects.add_argument("--count", type=int, default=2000, help="subjects the folder is to hold (default 2000)")
    subjects.add_argument("--seed", type=int, default=0, help="another seed gives other subjects (default 0)")
    subjects.add_argument("--size", type=int, default=640, help="pixels a side (default 640)")
    options = parser.parse_args(argv)
    if options.command:
        written = write_subjects(options.folder, options.count, options.seed, options.size, say)
        say(f"{options.count} subjects in {options.folder}, {written} of them new")
        return
    if not options.root and not options.sheet:
        parser.error("name --root for the sets or --sheet for a contact sheet")
    if options.sheet:
        write_sheet(options.sheet, options.seed, options.rows, options.columns, options.size, options.kind)
        print(f"wrote {options.sheet}")
        return
    counts = write_sample_data(options.root, options.seed, options.scale, options.private)
    print("\n".join([f"sample data in {options.root}:"] + [f"  {count:4d} {name}" for name, count in counts.items()]))


def row_of(sample: Sample) -> np.ndarray:
    """src | bgr | pha | fgr of one sample, uint8 RGB (H, 4 W, 3)."""
    src = blend(sample.fgr, sample.pha, sample.bgr)
    return np.hstack((src, sample.bgr, cv2.cvtColor(sample.pha, cv2.COLOR_GRAY2RGB), sample.fgr))


def write_sheet(path: str | Path, seed: int = 0, rows: int = 8, columns: int = 2, size: int = 192,
                kind: str | None = None) -> None:
    """Write ``rows`` x ``columns`` samples of ``size`` x ``size`` pixels to ``path``, seeds from ``seed`` on."""
    samples = [make_sample(number, size, size, kind) for number in range(seed, seed + rows * columns)]
    write_image(path, in_rows([row_of(sample) for sample in samples], columns))


if __name__ == "__main__":
    run_main(main)
