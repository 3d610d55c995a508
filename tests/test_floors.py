"""The floors of the house: who may import whom, and how large a room, a file and a function may be.

    utils < media < model, dataset < evaluation, prediction < training < benchmarks, web < the scripts

A folder imports only what stands below it. Imports inside functions count, and so do modules that are named in strings
("model.inference.matter", "model.inference.engines.onnx:OnnxEngine", "-m", "benchmarks.train").
"""
import ast

from docs.imports import FILES, FLOOR, PROJECT, SCRIPTS, edges, imports, parsed

MOST_MODULES, MOST_LINES, MOST_FUNCTION = 16, 500, 45


def broken_floors(path, tree):
    """Lines of text: "file:line: rule"."""
    room = path.relative_to(PROJECT).parts[0]
    said = []
    for line, module in imports(tree):
        other = module.split(".")[0]
        where = f"{path.relative_to(PROJECT)}:{line}"
        if other not in FLOOR:
            said.append(f"{where}: a room imports the script {other}.py")
        elif other != room and FLOOR[other] >= FLOOR[room]:
            side = "beside" if FLOOR[other] == FLOOR[room] else "above"
            said.append(f"{where}: {room} imports {module}, and {other} stands {side} it")
    return said


def circles(graph):
    """The circles of a graph {node: set of nodes}, each as a sorted list (Tarjan's strongly connected components)."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            end = stack.index(node)
            if len(stack) - end > 1:
                found.append(sorted(stack[end:]))
            del stack[end:]

    for node in list(graph):
        if node not in order:
            visit(node)
    return found


def test_every_import_leads_downstairs():
    said = [line for path in FILES.values() for line in broken_floors(path, parsed(path))]
    assert not said, "\n".join(said)


def test_no_circle_between_files():
    assert circles(edges()) == []


def test_no_circle_between_folders():
    folder = {name: str(path.parent.relative_to(PROJECT)) for name, path in FILES.items()}
    between = {}
    for name, modules in edges().items():
        if FILES[name].name == "__init__.py":  # a door hands on what lies below it, and uses none of it
            modules = {module for module in modules if not module.startswith(f"{name}.")}
        between.setdefault(folder[name], set()).update(folder[module] for module in modules if module in folder)
    assert circles({here: others - {here} for here, others in between.items()}) == []


def test_rooms_are_small():
    for folder in {path.parent for path in FILES.values()}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, f"{folder.relative_to(PROJECT)} holds {len(modules)} modules"


def test_files_and_functions_are_short():
    said = []
    for path in (*FILES.values(), *SCRIPTS, *sorted((PROJECT / "tests").rglob("*.py"))):
        where, lines = path.relative_to(PROJECT), path.read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES:
            said.append(f"{where} has {lines} lines")
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= MOST_FUNCTION:
                said.append(f"{where}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
    assert not said, "\n".join(said)


def test_what_breaks_a_floor_is_told():
    path = PROJECT / "media" / "photo.py"
    lazy = ast.parse("def f():\n    from model.inference.matter import Matter")
    assert broken_floors(path, lazy) == ["media/photo.py:2: media imports model.inference.matter, and model stands above it"]
    string = ast.parse("ENGINES = {'x': 'prediction.photos.cli:run_photos'}")
    assert broken_floors(path, string) == ["media/photo.py:1: media imports prediction.photos.cli, and prediction stands "
                                           "above it"]
    beside = ast.parse("import dataset.catalog")
    assert broken_floors(PROJECT / "model" / "losses.py", beside) == [
        "model/losses.py:1: model imports dataset.catalog, and dataset stands beside it"]
    script = ast.parse("import predict")
    assert broken_floors(path, script) == ["media/photo.py:1: a room imports the script predict.py"]
    assert broken_floors(path, ast.parse("from utils.errors import UserError\nimport cv2")) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []
