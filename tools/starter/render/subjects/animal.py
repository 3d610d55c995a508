"""Animals with fur, made of soft balls that flow together: four legs, a neck, ears, a tail, whiskers."""
import bpy
import numpy as np

from tools.starter.render.blender import skin
from tools.starter.render.blender.material import plain
from tools.starter.render.blender.scene import add_ball, add_mesh, add_strands, link
from tools.starter.render.body.geometry import normals, scatter, unit
from tools.starter.render.hair.scalp import Surface
from tools.starter.render.hair.strands import Growth, fill, finish, grow_guides

COATS = ((42, 30, 22), (120, 84, 54), (176, 150, 116), (196, 190, 182), (70, 66, 64))


def _draw_build(rng):
    """Sizes in metres of an animal between a kitten and a large dog."""
    scale = rng.uniform(0.7, 1.3)
    build = {"back": rng.uniform(0.28, 0.46), "girth": rng.uniform(0.17, 0.25), "leg": rng.uniform(0.14, 0.32),
             "neck": rng.uniform(0.0, 0.12), "skull": rng.uniform(0.15, 0.2), "snout": rng.uniform(0.02, 0.09),
             "ear": rng.uniform(0.04, 0.11), "tail": rng.uniform(0.12, 0.4)}
    return {name: value * scale for name, value in build.items()}


def _chain(start, end, first, last, count=7):
    """Balls (count, 4) of x, y, z and radius along a line."""
    share = np.linspace(0, 1, count)[:, None]
    return np.hstack([np.asarray(start) * (1 - share) + np.asarray(end) * share, first * (1 - share) + last * share])


def _balls(rng, build):
    """All balls (N, 4) of the body, and the places of the head (3,) and the snout's tip (3,)."""
    back, girth, leg, skull = build["back"], build["girth"], build["leg"], build["skull"]
    height = leg + girth * 0.6
    parts = [_chain((0, -back / 2, height), (0, back / 2, height), girth * 1.15, girth * 1.05)]
    for end in (-1, 1):
        for side in (-1, 1):
            swing = rng.normal(0, 0.06)
            hip = (side * girth * 0.4, end * back / 2, height - 0.02)
            foot = (side * girth * 0.42, end * back / 2 + swing, 0.03)
            parts.append(_chain(hip, foot, girth * 0.55, girth * 0.36, 9))
            parts.append(_chain(foot, (foot[0], foot[1] - 0.04, 0.025), girth * 0.33, girth * 0.3, 3))
    turn = rng.normal(0, 0.06)
    head = np.array([turn, -back / 2 - 0.1 - build["neck"] * 0.4, height + build["neck"] + 0.1])
    parts.append(_chain((0, -back / 2, height + 0.03), head, girth * 0.9, girth * 0.7, 5))
    parts.append(np.append(head, skull)[None])
    snout = head + np.array([turn, -0.06 - build["snout"], -0.03])
    parts.append(_chain(head + [0, -0.05, -0.015], snout, skull * 0.62, skull * 0.42, 5))
    upright = rng.random() < 0.6
    for side in (-1, 1):
        base = head + np.array([side * skull * 0.4, 0.01, skull * 0.4])
        way = np.array([side * 0.35, 0, 1.0]) if upright else np.array([side * 1.0, 0, -0.7])
        parts.append(_chain(base, base + unit(way) * build["ear"], skull * 0.34, skull * 0.2, 6))
    lift = rng.uniform(-0.6, 1.3)
    share = np.linspace(0, 1, 10)[:, None]
    bend = lift + share * rng.normal(0.4, 0.5)
    line = np.hstack([0.03 * np.sin(3 * share + turn * 40), back / 2 + 0.04 + build["tail"] * share * np.cos(bend),
                      height + 0.04 + build["tail"] * share * np.sin(bend)])
    parts.append(np.hstack([line, 0.055 - 0.015 * share]))
    return np.concatenate(parts), head, snout


def _melted(balls):
    """The surface of balls (N, 4) that flow together: points (V, 3), triangles (T, 3)."""
    data = bpy.data.metaballs.new("flesh")
    data.resolution = 0.024
    for x, y, z, radius in balls:
        element = data.elements.new()
        element.co, element.radius = (x, y, z), radius
    item = link("flesh", data)
    bpy.context.view_layer.update()
    mesh = bpy.data.meshes.new_from_object(item.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    bpy.data.objects.remove(item)
    points = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", points)
    mesh.calc_loop_triangles()
    tris = np.empty(len(mesh.loop_triangles) * 3, int)
    mesh.loop_triangles.foreach_get("vertices", tris)
    return points.reshape(-1, 3), tris.reshape(-1, 3)


class _NoFace:
    """Answers to what ``grow_guides`` asks of a head, for bodies whose hair is kept off no face."""

    @staticmethod
    def to_local(places):
        """Places as they are."""
        return places


def _fur(rng, points, tris, head, coat, length):
    """Two coats: long outer hair and a short dense one, combed from head to tail, short about the face."""
    facing = normals(points, tris)
    surface = Surface([(points, facing)])
    for share, count in ((1.0, 42000), (0.5, 34000)):
        roots, chosen, _ = scatter(rng, points, tris, count)
        out = unit(facing[tris[chosen]].mean(1))
        growth = Growth(length=length * share, spread=0.2, steps=10, lift=0.45, comb=0.9, gravity=0.12, gap=0.002,
                        clump=rng.uniform(0.1, 0.5), noise=0.1 * length, stray=0.04, wander=0.05, guides=3000, guard=False)
        way = np.array([0, 0.8, -0.45]) - out * (out @ np.array([0, 0.8, -0.45]))[:, None]
        picked = rng.choice(len(roots), growth.guides, replace=False)
        guides = grow_guides(rng, roots[picked], out[picked], unit(way[picked]), growth, _NoFace, surface)
        strands, groups = fill(rng, roots, guides, growth)
        strands = finish(rng, strands, growth, groups)
        near = np.linalg.norm(roots - head - [0, -0.09, 0], axis=1)
        short = np.clip(near / 0.22, 0.25, 1)[:, None, None]
        add_strands("fur", roots[:, None] + (strands - roots[:, None]) * short, rng.uniform(0.00007, 0.00012), coat)


def _on_skin(points, start, way):
    """Where a ray from ``start`` (3,) along ``way`` leaves the body, by the farthest point near it."""
    way = unit(np.asarray(way, float))
    along = (points - start) @ way
    off = np.linalg.norm(points - start - along[:, None] * way, axis=1)
    near = (off < 0.02) & (along > 0)
    return start + way * along[near].max() if near.any() else start + way * 0.05


def _features(rng, points, head, snout, skull):
    """Eyes, nose, whiskers, on the surface ``points`` (V, 3)."""
    eye, nose = plain("eye", (10, 8, 6), 0.06), plain("nose", rng.choice([(14, 12, 12), (120, 74, 70)]), 0.3)
    for side in (-1, 1):
        place = _on_skin(points, head, (side * 0.62, -0.85, 0.32))
        add_ball("eye", place + (head - place) * 0.05, skull * rng.uniform(0.085, 0.11), eye)
    tip = _on_skin(points, snout, (0, -1, 0.15))
    add_ball("nose", tip, (0.1 * skull, 0.07 * skull, 0.07 * skull), nose)
    step = np.linspace(0, 1, 12)[:, None]
    whiskers = []
    for side in (-1, 1):
        for _ in range(rng.integers(4, 10)):
            way = unit(np.array([side, rng.normal(-0.2, 0.2), rng.normal(-0.05, 0.25)]))
            whiskers.append(tip + [side * 0.015, 0.02, -0.012] + way * step * rng.uniform(0.07, 0.14)
                            + np.array([0, 0, -0.03]) * step ** 2)
    add_strands("whiskers", np.array(whiskers), 0.00022, plain("whisker", (214, 210, 202), 0.3))


def add_animal(rng):
    """A furred animal in the scene: its points (V, 3), the side it shows (3,), and what it is, a dict."""
    build = _draw_build(rng)
    balls, head, snout = _balls(rng, build)
    points, tris = _melted(balls)
    add_mesh("hide", points, tris.tolist(), [plain("hide", COATS[rng.integers(len(COATS))], 0.9)])
    length = float(rng.choice([0.014, 0.03, 0.055], p=[0.3, 0.4, 0.3]) * rng.uniform(0.8, 1.3))
    coat = skin.hair(rng, skin.draw_hair_colour(rng, 0.25), "coat")
    _fur(rng, points, tris, head, coat, length)
    _features(rng, points, head, snout, build["skull"])
    turn = rng.uniform(-1.4, 1.4)
    if rng.random() < 0.35:  # only the head and the breast
        points = points[points[:, 1] < head[1] + 0.2 * build["back"] + 0.05]
    return points, np.array([np.sin(turn), -np.cos(turn), 0]), {"form": "animal", "fur": round(length, 3)}
