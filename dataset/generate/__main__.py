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
from bgmatting.utils.errors import UserError

SHEET_SIZE, SUBJECT_SIZE = 192, 640  # pixels a side by default
NOT_SUBJECTS = ("root", "scale", "private", "sheet", "kind", "rows", "columns")  # flags that subjects has no use for


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
    parser.add_argument("--size", type=int, help=f"pixels of one image on the sheet (default {SHEET_SIZE})")
    parser.add_argument("--rows", type=int, default=8, help="rows of the sheet (default 8)")
    parser.add_argument("--columns", type=int, default=2, help="samples in a row of the sheet (default 2)")
    subjects = parser.add_subparsers(dest="command", metavar="subjects").add_parser(
        "subjects", help="write painted subjects to be used by stream_painted; a second run goes on where one stopped")
    subjects.add_argument("folder", help="folder for KIND_SEED_NUMBER.webp, made here")
    subjects.add_argument("--count", type=int, default=2000, help="subjects the folder is to hold (default 2000)")
    # No defaults of its own: they would replace what stands before the word subjects.
    subjects.add_argument("--seed", type=int, default=argparse.SUPPRESS,
                          help="another seed gives other subjects (default 0)")
    subjects.add_argument("--size", type=int, default=argparse.SUPPRESS, help=f"pixels a side (default {SUBJECT_SIZE})")
    options = parser.parse_args(argv)
    if options.command:
        for name in NOT_SUBJECTS:
            if getattr(options, name) != parser.get_default(name):
                parser.error(f"subjects takes --count, --seed and --size; leave --{name} out")
        size = SUBJECT_SIZE if options.size is None else options.size
        written = write_subjects(options.folder, options.count, options.seed, size, say)
        say(f"{options.count} subjects in {options.folder}, {written} of them new")
        return
    if not options.root and not options.sheet:
        parser.error("name --root for the sets or --sheet for a contact sheet")
    if options.sheet:
        size = SHEET_SIZE if options.size is None else options.size
        write_sheet(options.sheet, options.seed, options.rows, options.columns, size, options.kind)
        print(f"wrote {options.sheet}")
        return
    counts = write_sample_data(options.root, options.seed, options.scale, options.private)
    print("\n".join([f"sample data in {options.root}:"] + [f"  {count:4d} {name}" for name, count in counts.items()]))


def row_of(sample: Sample) -> np.ndarray:
    """src | bgr | pha | fgr of one sample, uint8 RGB (H, 4 W, 3)."""
    src = blend(sample.fgr, sample.pha, sample.bgr)
    return np.hstack((src, sample.bgr, cv2.cvtColor(sample.pha, cv2.COLOR_GRAY2RGB), sample.fgr))


def write_sheet(path: str | Path, seed: int = 0, rows: int = 8, columns: int = 2, size: int = SHEET_SIZE,
                kind: str | None = None) -> None:
    """Write ``rows`` x ``columns`` samples of ``size`` x ``size`` pixels to ``path``, seeds from ``seed`` on. Raises
    UserError: one of these numbers is out of range."""
    if min(rows, columns, size) < 1 or seed < 0:
        raise UserError(f"--rows, --columns and --size must be 1 or more and --seed 0 or more, not {rows}, {columns}, "
                        f"{size} and {seed}.")
    samples = [make_sample(number, size, size, kind) for number in range(seed, seed + rows * columns)]
    write_image(path, in_rows([row_of(sample) for sample in samples], columns))


if __name__ == "__main__":
    run_main(main)
