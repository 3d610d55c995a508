"""Cloth that hangs over a person: scarves with fringes, veils of tulle and lace."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender import cloth
from bgmatting.dataset.generate.rendered.blender.scene import add_mesh, add_strands, grid_faces
from bgmatting.dataset.generate.rendered.body.geometry import UP, Waves, unit
from bgmatting.dataset.generate.rendered.hair.strands import Growth, grow_guides


def add_scarf(rng, skeleton, head, surface):
    """A band wound around the neck, with a hanging end whose fringe is strands."""
    _, places = skeleton.solve()
    neck = places[skeleton.index("neck01")]
    ahead = head.forward
    side = np.cross(ahead, UP)
    turns, steps, rows = rng.uniform(1.6, 2.6), 120, 20
    angle = np.linspace(0, 2 * np.pi * turns, steps) + rng.uniform(0, 6)
    share = np.linspace(0, 1, steps)
    radius = rng.uniform(0.068, 0.08) + rng.uniform(0.02, 0.05) * share + 0.008 * np.sin(2.3 * angle)
    front = np.sin(angle)  # it hangs lower before the breast, more so in the outer windings
    height = 0.035 - 0.05 * share - rng.uniform(0.01, 0.05) * share * np.clip(front, 0, 1) + 0.008 * np.sin(1.7 * angle)
    around = side * np.cos(angle)[:, None] + ahead * np.sin(angle)[:, None]
    line = neck + around * radius[:, None] + UP * height[:, None] + ahead * 0.02
    outwards = unit((line - neck) * [1, 1, 0])
    section = np.linspace(0, 2 * np.pi, rows, endpoint=False)
    thick, tall = rng.uniform(0.013, 0.02), rng.uniform(0.024, 0.04)
    ridge = 1 + 0.22 * np.sin(5 * section + 2.3 * angle[:, None]) + 0.12 * np.sin(9 * section - 3.1 * angle[:, None])
    ridge = ridge * np.interp(share, (0, 0.04, 0.96, 1), (0.2, 1, 1, 0.2))[:, None]
    beside, above = np.cos(section) * thick * ridge, np.sin(section) * tall * ridge
    points = (line[:, None] + outwards[:, None] * beside[..., None] + UP * above[..., None]).reshape(-1, 3)
    points += unit(points - neck) * 0.004 * np.abs(Waves(rng, 0.03)(points))[:, None]
    fabric = cloth.cloth(rng)
    add_mesh("scarf", points, grid_faces(steps, rows, closed=True), [fabric], subdivide=1)
    if rng.random() < 0.7:
        start = neck + ahead * (radius.mean() + 0.02) + side * rng.uniform(-0.05, 0.05)
        _scarf_end(rng, start, side, ahead, surface, fabric)


def _scarf_end(rng, start, side, ahead, surface, fabric):
    """The hanging end: a strip that follows the chest, and its fringe."""
    steps, columns, length, wide = 24, 12, rng.uniform(0.2, 0.5), rng.uniform(0.07, 0.14)
    across = np.linspace(-0.5, 0.5, columns)
    row = start + side * (across * wide)[:, None]
    row = row + ahead * (0.008 * np.sin(across * 14 + rng.uniform(0, 6)))[:, None]
    rows = [row]
    drift = side * rng.normal(0, 0.15)
    for _ in range(steps - 1):
        row = surface.push(row + unit(-UP + drift) * length / steps, 0.012)
        rows.append(row)
    points = np.stack(rows)
    add_mesh("scarf end", points.reshape(-1, 3), grid_faces(steps, columns), [fabric], subdivide=1, thickness=0.004)
    count, long = int(rng.integers(60, 200)), rng.uniform(0.03, 0.08)
    place = rng.uniform(0, columns - 1.001, count)
    low, share = place.astype(int), (place % 1)[:, None]
    roots = points[-1][low] * (1 - share) + points[-1][low + 1] * share
    drop = np.linspace(0, 1, 8)[None, :, None]
    swing = rng.normal(0, 0.25, (count, 1, 3)) * drop
    fringe = roots[:, None] + (-UP + swing) * drop * long * rng.uniform(0.8, 1.1, (count, 1, 1))
    add_strands("fringe", fringe, 0.0007, fabric)


def add_veil(rng, head, surface):
    """Thin or lacy cloth from the crown over head and shoulders: combed like hair, joined to a sheet."""
    columns = 90
    angle = np.linspace(-0.8 * np.pi, 0.8 * np.pi, columns) + np.pi / 2  # open before the face
    crown = head.centre + np.array([0, 0.01, 0])
    local = crown + np.stack([np.cos(angle) * 0.03, np.sin(angle) * 0.03, np.full(columns, head.top - crown[2] + 0.012)], 1)
    roots = head.to_world(local)
    way = np.stack([np.cos(angle), np.sin(angle), np.full(columns, -0.1)], 1) @ head.axes.T
    growth = Growth(length=rng.uniform(0.35, 0.8), spread=0.0, steps=40, lift=0.1, comb=0.9, gravity=0.3, gap=0.03,
                    wander=0.0)
    sheet = grow_guides(rng, roots, np.broadcast_to(head.axes[:, 2], roots.shape), way, growth, head, surface).swapaxes(0, 1)
    fold = 0.012 * np.sin(np.linspace(0, 2 * np.pi * rng.integers(8, 16), columns))[None, :, None]
    out = unit((sheet - head.to_world(head.centre)) * [1, 1, 0])
    sheet = sheet + out * fold * np.linspace(0, 1, 40)[:, None, None]
    kind = str(rng.choice(["tulle", "lace"]))
    add_mesh("veil", sheet.reshape(-1, 3), grid_faces(40, columns), [cloth.holed(rng, kind)], subdivide=1)
