"""Which datasets are there, and what run.sh asks about them.

    python -m bgmatting datasets                 # a line per dataset: where it lies, and how much is in it
    python -m bgmatting datasets kind PART       # of run.sh: "real" where its sets are there, "sample" where no real set is
    python -m bgmatting datasets private         # "yes" where stage 3 has data: the private set and real backgrounds
"""
from __future__ import annotations

import sys

from bgmatting.dataset.catalog import Catalog, all_there, open_catalog
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError

STAGES = ("VideoMatte240K", "Distinctions646_person", "Backgrounds")
BENCHMARK = "PhotoMatte85"
NEEDED = {"all": STAGES, "stage1": (STAGES[0], "Backgrounds"), "stage2": (STAGES[1], "Backgrounds"),
          "stage3": ("private", "Backgrounds"), "eval": (BENCHMARK, "Backgrounds")}  # other parts of run.sh need none


def kind(catalog: Catalog, part: str) -> str:
    """Return which data a part of run.sh works on, "real" or "sample"; what is missing is said on stderr.

    Raises UserError: some of the sets are there and others are not.
    """
    if part not in NEEDED:
        return "real" if any(catalog.available(name) for name in STAGES) else "sample"
    if part == "stage3" and not catalog.available("private"):
        return "real" if catalog.available("Backgrounds") else "sample"  # it is passed over
    if not all_there(catalog, NEEDED[part]):
        print(f"Not under {catalog.root}: {', '.join(NEEDED[part])}. Generated sample data is used instead.",
              file=sys.stderr)
        return "sample"
    if part == "all" and not catalog.available(BENCHMARK):
        print(f"note: {BENCHMARK} is not at {catalog.where(BENCHMARK)}. Training does not need it, but eval.py does: put it "
              "there before the stages end.", file=sys.stderr)
    return "real"


def describe(catalog: Catalog) -> list[str]:
    """One line of text per dataset: name, folder, and the counts of its splits or what is wrong."""
    width = max(map(len, catalog.names), default=0)
    return [f"{name:{width}}  {catalog.where(name) or '(no path yet)'}  {_contents(catalog, name)}"
            for name in catalog.names]


def _contents(catalog, name):
    if not catalog.available(name):
        return "absent"
    try:
        return ", ".join(f"{split} {len(catalog.split(name, split))}" for split in catalog.splits(name))
    except UserError as error:
        return f"unusable: {error}"


def main(argv: list[str] | None = None) -> None:
    parser = CommandLine(prog="python -m bgmatting datasets", description="Show which datasets are there.")
    parser.add_argument("question", nargs="?", choices=("kind", "private"), help="answer this alone, in one word")
    parser.add_argument("part", nargs="?", default="all", help="of run.sh, for kind (default: all)")
    parser.add_argument("--catalog", help="catalogue file (default: configs/datasets.yml)")
    parser.add_argument("--data-root", help="folder of datasets (default: $DATA_ROOT, else data/)")
    args = parser.parse_args(argv)
    catalog = open_catalog(args.catalog, args.data_root)
    if args.question == "kind":
        print(kind(catalog, args.part))
    elif args.question == "private":
        print("yes" if catalog.available("private") and catalog.available("Backgrounds") else "no")
    else:
        for line in describe(catalog):
            print(line)


if __name__ == "__main__":
    run_main(main)
