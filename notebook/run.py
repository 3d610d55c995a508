"""Runs notebook/aistudio.ipynb from top to bottom as a reader would: ``python notebook/run.py [--keep]``.

For CI, and for keeping the outputs of a short run in the file (--keep). Needs nbclient and ipykernel. The exit code is 1
where a cell fails or a command in one does: a notebook's shell lines do not stop it by themselves.
"""
import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = Path(__file__).resolve().parent / "aistudio.ipynb"
FAILED = re.compile(r"^(error: |Traceback|run\.sh: step)", re.MULTILINE)
MOST_BYTES = 1_000_000


def outputs(cell):
    """The text that a cell printed."""
    return "".join(output.get("text", "") for output in cell.get("outputs", ()))


def run(book, timeout):
    """Run all cells in place. Raises CellExecutionError."""
    os.environ.update(MATTING_PLATFORM="here", CPU="1")
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(book, timeout=timeout, kernel_name="python3", resources=place).execute()


def cleaned(book, project):
    """The notebook without what is the machine's own: its paths, times of cells, and bars that overwrite themselves."""
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        others = [output for output in cell.outputs if "text" not in output]
        lines = [_last_state(line) for line in outputs(cell).split("\n")]
        text = "\n".join(line for line in lines if line is not None).replace(f"{project}{os.sep}", "")
        text = text.replace(str(project), ".").replace(sys.executable, "python").strip("\n")
        shown = [nbformat.v4.new_output("stream", name="stdout", text=text + "\n")] if text else []
        cell.outputs = shown + others
    return book


def _last_state(line):
    """The last state of a line; None for a progress bar, and for warnings of packages about themselves."""
    last = line.rstrip("\r").rsplit("\r", 1)[-1]
    return None if re.search(r"\d+%\|.*\| \d+/\d+ \[|/site-packages/|^ +warnings\.warn", last) else last


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write the outputs into the file")
    parser.add_argument("--timeout", type=int, default=1200, help="seconds a cell may take (default: %(default)s)")
    args = parser.parse_args()
    book = nbformat.read(NOTEBOOK, as_version=4)
    try:
        run(book, args.timeout)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    failed = [cell for cell in book.cells if cell.cell_type == "code" and FAILED.search(outputs(cell))]
    for cell in failed:
        print(f"a command failed in the cell\n{cell.source}\n{outputs(cell)}", file=sys.stderr)
    text = nbformat.writes(cleaned(book, NOTEBOOK.parent.parent))
    if len(text) > MOST_BYTES:
        print(f"the outputs make {len(text)} bytes; at most {MOST_BYTES} are kept.", file=sys.stderr)
        return 1
    if args.keep and not failed:
        NOTEBOOK.write_text(text + "\n", encoding="utf-8")
    print(f"{sum(cell.cell_type == 'code' for cell in book.cells)} cells ran, {len(failed)} with a command that failed; "
          f"{len(text)} bytes with outputs")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
