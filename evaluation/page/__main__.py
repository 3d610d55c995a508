"""Make the results page again, or compare several evaluations of the same images."""
from __future__ import annotations

from bgmatting.evaluation.page import write_page
from bgmatting.utils.cli import CommandLine, run_main


def main(argv: list[str] | None = None) -> None:
    parser = CommandLine(prog="python -m bgmatting page", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="output folder of eval.py")
    parser.add_argument("--output", help="where to write (default: the folder; for several: 'compare' beside the first)")
    args = parser.parse_args(argv)
    print("wrote", *write_page(*dict.fromkeys(args.folders), output=args.output))


if __name__ == "__main__":
    run_main(main)
