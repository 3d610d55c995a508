"""Draws docs/architecture.svg from the imports: ``python -m docs.draw_architecture``.

The house, ground floor lowest. A box is a room; its last line counts the imports that lead from it to the rooms below.
"""
from collections import Counter
from html import escape

from docs.imports import FILES, FLOORS, PROJECT, SCRIPTS, imports, parsed

WIDTH, HIGH, GAP, MARGIN = 860, 84, 14, 20  # pixels: of the house, of a floor, between floors and rooms, around
HOLDS = {"utils": "errors, files, flags, machine", "media": "pictures, video and sound as files",
         "model": "networks, weights, inference and its engines", "dataset": "sets, samples, augmentation, the generator",
         "evaluation": "test sets, protocols, metrics, the page", "prediction": "photos, video, camera, alignment",
         "training": "trainer, step, state, checkpoints", "benchmarks": "data, infer, train", "web": "page, HTTP API",
         "scripts": ", ".join(f"{path.stem}.py" for path in SCRIPTS)}


def counts():
    """{room: Counter of imports to other rooms}; all scripts together are the room "scripts"."""
    found = {room: Counter() for room in HOLDS}
    for name, path in [*FILES.items(), *(("scripts", script) for script in SCRIPTS)]:
        room = name.split(".")[0]
        for _, module in imports(parsed(path)):
            other = module.split(".")[0]
            if other != room and other in HOLDS:
                found[room][other] += 1
    return found


def box(room, x, y, width, leads):
    """One room as lines of SVG; ``leads``: Counter of its imports."""
    files = SCRIPTS if room == "scripts" else [path for name, path in FILES.items() if name.split(".")[0] == room]
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in files)
    name = room if room == "scripts" else f"{room}/"
    below = ", ".join(f"{other} {number}" for other, number in leads.most_common()) or "nothing of the house"
    texts = (("bold", name), ("normal", HOLDS[room]), ("normal", f"{len(files)} files, {lines:,} lines"),
             ("normal", f"imports: {below}"))
    return [f'<rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="5" fill="#eef3f8" stroke="#35506b"/>',
            *(f'<text x="{x + 14}" y="{y + 21 + 18 * row}" font-weight="{weight}">{escape(text)}</text>'
              for row, (weight, text) in enumerate(texts))]


def draw():
    """The picture as SVG text."""
    floors, leads, body = [*FLOORS, ("scripts",)], counts(), []
    for number, rooms in enumerate(reversed(floors)):
        width = (WIDTH - GAP * (len(rooms) - 1)) / len(rooms)
        for column, room in enumerate(rooms):
            body += box(room, MARGIN + column * (width + GAP), MARGIN + number * (HIGH + GAP), width, leads[room])
    size = f"{WIDTH + 2 * MARGIN} {2 * MARGIN + len(floors) * (HIGH + GAP) - GAP}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>", ""])


def main():
    path = PROJECT / "docs" / "architecture.svg"
    path.write_text(draw(), encoding="utf-8")
    print("wrote", path)


if __name__ == "__main__":
    main()
