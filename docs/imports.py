"""Who imports whom: read from the source, without importing it. The floors test and docs/draw_architecture.py use it."""
import ast
import re
import warnings
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FLOORS = (("utils",), ("media",), ("model", "dataset"), ("evaluation", "prediction"), ("training",), ("benchmarks", "web"))
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SCRIPTS = sorted(PROJECT.glob("*.py"))
_NAMED = re.compile(rf"({'|'.join(FLOOR)})(\.\w+)+(:\w+)?")


def name_of(path):
    """model/inference/__init__.py -> "model.inference"."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for room in FLOOR for path in sorted((PROJECT / room).rglob("*.py"))}


def parsed(path):
    """The syntax tree of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return ast.parse(path.read_text(encoding="utf-8"))


def known(name):
    """The module of the rooms that the dotted ``name`` is, or is a member of; None outside the rooms."""
    parts = name.split(".")
    return next((module for end in range(len(parts), 0, -1) if (module := ".".join(parts[:end])) in FILES), None)


def imports(tree):
    """Yields (line, module of the rooms, or name of a script) for all that a file imports, or names in a string.

    Imports inside functions count, and strings such as "model.inference.engines.onnx:OnnxEngine".

    Raises:
        ValueError: a relative import, whose floor cannot be seen from its line.
    """
    scripts = {script.stem for script in SCRIPTS}
    for node in ast.walk(tree):
        for name in _names(node):
            module = known(name) or (name.split(".")[0] if name.split(".")[0] in scripts else None)
            if module is not None:
                yield node.lineno, module


def edges():
    """{module: set of the modules that it imports}."""
    return {name: {module for _, module in imports(parsed(path))} - {name} for name, path in FILES.items()}


def _names(node):
    if isinstance(node, ast.ImportFrom):
        if node.level:
            raise ValueError(f"line {node.lineno}: a relative import")
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAMED.fullmatch(node.value):
        return [node.value.partition(":")[0]]
    return []
