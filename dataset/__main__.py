"""Which datasets are there, and what run.sh asks about them.

    python -m bgmatting datasets           # a line per dataset: where it lies, and how much is in it
    python -m bgmatting datasets kind      # "real" where the sets of all stages are there, else "sample" (why: on stderr)
    python -m bgmatting datasets private   # "yes" where stage 3 has data: the private set and real backgrounds
"""
import sys

from bgmatting.dataset.catalog import check_named_root, open_catalog
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError

STAGE_SETS = ("VideoMatte240K", "Distinctions646_person", "Backgrounds")
BENCHMARK = "PhotoMatte85"


def kind(catalog):
    """("real", []) where all of ``STAGE_SETS`` are there, else ("sample", names of those that are not)."""
    absent = [name for name in STAGE_SETS if not catalog.available(name)]
    return ("sample", absent) if absent else ("real", [])


def describe(catalog):
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


def tell_kind(catalog):
    """Print which data the stages train on, and on stderr what is missing of the real sets.

    Raises:
        UserError: the user named a folder of datasets, and it lacks some.
    """
    answer, absent = kind(catalog)
    if absent:
        check_named_root(catalog, absent)
    elif not catalog.available(BENCHMARK):
        print(f"note: {BENCHMARK} is not at {catalog.where(BENCHMARK)}. Training does not need it, but eval.py does: put it "
              "there before the stages end.", file=sys.stderr)
    if absent:
        print(f"Not under {catalog.root}: {', '.join(absent)}. The whole job runs on generated sample data instead.",
              file=sys.stderr)
    print(answer)


def main(argv=None):
    parser = CommandLine(prog="python -m bgmatting datasets", description="Show which datasets are there.")
    parser.add_argument("question", nargs="?", choices=("kind", "private"), help="answer this alone, in one word")
    parser.add_argument("--catalog", help="catalogue file (default: configs/datasets.yml)")
    parser.add_argument("--data-root", help="folder of datasets (default: $DATA_ROOT, else data/)")
    args = parser.parse_args(argv)
    catalog = open_catalog(args.catalog, args.data_root)
    if args.question == "kind":
        tell_kind(catalog)
    elif args.question == "private":
        print("yes" if catalog.available("private") and catalog.available("Backgrounds") else "no")
    else:
        for line in describe(catalog):
            print(line)


if __name__ == "__main__":
    run_main(main)
