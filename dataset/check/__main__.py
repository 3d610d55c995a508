"""Look into every file of a dataset: what cannot be read, what does not match, what looks wrong.

    python -m bgmatting check NAME [--split S] [--data-root DIR] [--sheet FILE.png] [--workers N]

One line per finding, a table at the end. Exit code 1 where there are errors, 0 with warnings only.
"""
from __future__ import annotations

import argparse
import sys
from itertools import combinations

from tqdm import tqdm

from bgmatting.dataset.catalog import Catalog, open_catalog
from bgmatting.dataset.check.inspection import ERROR, WARNING, Finding, inspect_set
from bgmatting.dataset.check.report import Report, Split, table
from bgmatting.dataset.check.sheet import write_sheet
from bgmatting.dataset.splits import check_disjoint
from bgmatting.media.files import not_listed
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import usable_cores

LINES = 20  # of one kind in one split, without --all


def check(catalog: Catalog, name: str, split_names: list[str], report: Report, workers: int) -> list[Split]:
    """Inspect the named splits of a dataset and tell ``report``.

    Returns list of ``Split``, those that could be listed.
    Raises UserError: no such dataset or split, or it is not there.
    """
    splits, told = [], set()
    for split_name in split_names:
        lone, unread = [], []
        try:
            items = catalog.pairs(name, split_name, lone, unread) if catalog.holds_pairs(name) \
                else catalog.backgrounds(name, split_name, unread)
        except UserError as error:
            report.add(split_name, [Finding(ERROR, "unusable", str(error))])
            continue
        report.add(split_name, [Finding(ERROR, "unreadable folder", not_listed(error)) for error in unread])
        report.add(split_name, [Finding(ERROR, "unpaired", f"{file} has no partner.") for file in lone
                                if file not in told])
        told.update(lone)
        # Faults of a list's further words count for photos, and for sets measured as their lists say.
        report.add(split_name, _fault(ERROR if catalog.holds_photos(name) else WARNING, "list",
                                      catalog.listed, name, split_name))
        split = Split(split_name, items)
        for facts in tqdm(inspect_set(items, workers), split_name, len(items), disable=not sys.stderr.isatty()):
            report.add(split_name, split.add(facts))
        splits.append(split)
    for first, second in combinations(splits, 2):
        report.add(second.name, second.shared_with(first))
        if catalog.names_are_subjects(name):
            report.add(second.name, _fault(ERROR, "shared subjects", check_disjoint, first.items, second.items,
                                           f"{name}: {first.name} and {second.name}"))
    return splits


def _fault(level, kind, check, *args):
    """What ``check`` says against its arguments, as a list of findings."""
    try:
        check(*args)
    except UserError as error:
        return [Finding(level, kind, str(error))]
    return []


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = CommandLine(prog="python -m bgmatting check", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("name", help="a dataset of the catalogue")
    add("--split", help="only this split (default: all)")
    add("--catalog", help="catalogue file (default: configs/datasets.yml)")
    add("--data-root", help="folder of datasets (default: $DATA_ROOT, else data/)")
    add("--sheet", metavar="FILE.png", help="also write a contact sheet")
    add("--workers", type=int, default=min(8, usable_cores()),
        help="processes (default: %(default)s; 0: none); each holds one item at a time")
    add("--all", action="store_true", help=f"name all findings, not only the first {LINES} of a kind in a split")
    args = parser.parse_args(argv)
    if args.workers < 0:
        parser.error("--workers must be 0 or more")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    catalog = open_catalog(args.catalog, args.data_root)
    names = catalog.splits(args.name)
    catalog.require(args.name, args.split or names[0])
    report = Report(None if args.all else LINES, tqdm.write)
    splits = check(catalog, args.name, [args.split] if args.split else names, report, args.workers)
    if args.sheet and splits:
        write_sheet(args.sheet, splits)
        print(f"wrote {args.sheet}")
    print("\n".join(["", *report.by_kind(), "", *table(splits, report)]))
    return 1 if report.total(ERROR) else 0


if __name__ == "__main__":
    run_main(main)
