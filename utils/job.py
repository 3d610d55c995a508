"""What run.sh asks about the data.

    python -m utils.job kind          # "real" where the datasets of all stages are there, else "sample" (and why, on stderr)
    python -m utils.job private       # "yes" where stage 3 has data: the private set and real backgrounds
"""
import sys

from dataset.catalog import open_catalog
from utils.errors import UserError, run_main

STAGE_SETS = ("VideoMatte240K", "Distinctions646_person", "Backgrounds")


def kind(catalog):
    """("real", []) where all of ``STAGE_SETS`` are there, else ("sample", names of those that are not)."""
    absent = [name for name in STAGE_SETS if not catalog.available(name)]
    return ("sample", absent) if absent else ("real", [])


def main(argv=None):
    words = sys.argv[1:] if argv is None else argv
    catalog = open_catalog()
    if words == ["kind"]:
        answer, absent = kind(catalog)
        if absent:
            print(f"Not under {catalog.root}: {', '.join(absent)}. The whole job runs on generated sample data instead.",
                  file=sys.stderr)
        print(answer)
    elif words == ["private"]:
        print("yes" if catalog.available("private") and catalog.available("Backgrounds") else "no")
    else:
        raise UserError("usage: python -m utils.job kind|private")


if __name__ == "__main__":
    run_main(main)
