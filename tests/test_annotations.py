"""Every public function says what it takes and returns."""
import ast

import pytest

from bgmatting.utils.files import PROJECT

PACKAGES = ("benchmarks", "bgmatting", "dataset", "evaluation", "media", "model", "prediction", "training", "utils", "web")
ANY_PYTHON = ("bgmatting/commands/__init__.py", "utils/supported.py")  # old ones read them too, to end in one line


def bare(node, path):
    """Where the public functions below a node lack an annotation."""
    for child in node.body:
        if child.__class__.__name__ not in ("ClassDef", "FunctionDef", "AsyncFunctionDef"):
            continue
        if child.name.startswith("_") and child.name != "__init__":
            continue
        if isinstance(child, ast.ClassDef):
            yield from bare(child, path)
            continue
        given = child.args
        taken = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        taken = [arg for arg in taken if arg.arg not in ("self", "cls")]
        if any(arg.annotation is None for arg in taken) or child.returns is None and child.name != "__init__":
            yield f"{path}:{child.lineno} {child.name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_public_functions_are_annotated(package):
    files = {path.relative_to(PROJECT).as_posix(): path for path in (PROJECT / package).rglob("*.py")}
    assert [place for name, path in files.items() if name not in ANY_PYTHON
            for place in bare(ast.parse(path.read_text(encoding="utf-8")), name)] == []
