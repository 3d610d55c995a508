"""The notebook's cells, without running them; notebook/run.py does that."""
import ast
import json
import re

from bgmatting.dataset.catalog import open_catalog
from bgmatting.utils.files import PROJECT


def cells():
    book = json.loads((PROJECT / "notebook" / "aistudio.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]


def test_python_3_9_reads_it():
    for cell in cells():
        code = re.sub(r"^(\s*)(\w+ = )?!.*", r"\1pass", cell, flags=re.MULTILINE)  # shell lines
        ast.parse(code, feature_version=(3, 9))


def test_checked_splits_are_those_of_the_catalogue():
    named = re.findall(r'\("(\w+)", "(\w+)"\)', next(cell for cell in cells() if " check {name}" in cell))
    assert len(named) == 3 and all(split in open_catalog().splits(name) for name, split in named)


def test_the_code_from_an_uploaded_archive(tmp_path, monkeypatch):
    """As a Git host packs it: in a folder of its own."""
    import shutil
    packed = tmp_path / "packed" / "matting-main"
    packed.mkdir(parents=True)
    (packed / "run.sh").write_text("exit 0\n")
    archive = shutil.make_archive(str(tmp_path / "matting"), "zip", tmp_path / "packed")
    monkeypatch.chdir(tmp_path)
    cell = next(cell for cell in cells() if "unpack_archive" in cell)
    code = cell[:cell.index("elif ")]
    names = {"PROJECT": tmp_path / "project", "ARCHIVE": archive, "Path": type(tmp_path)}
    for _ in range(2):
        exec(code, names)
        assert (tmp_path / "project" / "run.sh").is_file()
