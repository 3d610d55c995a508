"""Brows, lashes and beards as strands."""
import numpy as np

from bgmatting.dataset.generate.rendered.body.body import BODY_POINTS, fitted
from bgmatting.dataset.generate.rendered.body.files import read_clothing, read_obj
from bgmatting.dataset.generate.rendered.body.geometry import scatter, triangles, unit
from bgmatting.dataset.generate.rendered.hair.hairstyle import combed
from bgmatting.dataset.generate.rendered.hair.strands import Growth, grow

BEARDS = {"stubble": (0.0015, 0.35), "short": (0.006, 0.3), "full": (0.02, 0.25), "long": (0.055, 0.1)}


def brows(rng, assets, data, rest, skeleton):
    """Strands (S, 5, 3) of both brows, along the ribbon of one of the free brow shapes."""
    folder = assets.wardrobe / "eyebrows"
    names = sorted(path.name for path in folder.iterdir() if path.name.startswith("eyebrow"))
    clothing = read_clothing(sorted((folder / str(rng.choice(names))).glob("*.mhclo"))[0])
    points, skin = fitted(clothing, rest, data.weights)
    places, _, _ = scatter(rng, points, triangles(read_obj(clothing.mesh).faces), 4200)
    keep = np.zeros(len(places), bool)
    for side in (-1, 1):
        mine = np.flatnonzero(np.sign(places[:, 0]) == side)
        if len(mine) < 50:
            continue
        across = np.abs(places[mine, 0])
        along = (across - across.min()) / (np.ptp(across) + 1e-6)
        middle = np.polyval(np.polyfit(across, places[mine, 2], 2), across)
        off = np.abs(places[mine, 2] - middle)
        keep[mine[(off < np.percentile(off, 90) * 0.42 * (1 - 0.6 * along)) & (along > 0.1) & (along < 0.92)]] = True
    places = places[keep]
    if not len(places):
        return None
    bone = skeleton.index("head")
    world, joints = skeleton.solve()
    roots = (places - skeleton.heads[bone]) @ world[bone].T + joints[bone]
    rise = 0.5 - 3.5 * (np.abs(places[:, 0]) - 0.02)
    way = np.stack([np.sign(places[:, 0]) * 0.8, np.full(len(places), -0.2), rise], 1)
    way = unit(way + rng.normal(0, 0.16, way.shape)) @ world[bone].T
    ahead = world[bone] @ np.array([0, -0.0006, 0])
    length = rng.uniform(0.004, 0.009, (len(places), 1, 1))
    return roots[:, None] + ahead + way[:, None] * np.linspace(0, 1, 5)[None, :, None] * length


def lashes(rng, data, rest, posed):
    """Strands (S, 5, 3) of the lashes: six over each face of the lash helpers, from the eye outwards."""
    faces, _ = data.faces(*(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2)))
    faces = np.array([face for face in faces if len(face) == 4])
    eyes = np.stack([rest[data.corners(f"helper-{side}-eye")].mean(0) for side in "lr"])
    middle = rest[faces].mean(1)
    eye = eyes[(np.linalg.norm(middle[:, None] - eyes, axis=2)).argmin(1)]
    order = np.argsort(np.linalg.norm(rest[faces] - eye[:, None], axis=2), 1)
    corner = np.take_along_axis(faces, order, 1)
    near, far = corner[:, :2], corner[:, 2:].copy()
    crossed = (np.linalg.norm(rest[near[:, 0]] - rest[far[:, 0]], axis=1)
               > np.linalg.norm(rest[near[:, 0]] - rest[far[:, 1]], axis=1))
    far[crossed] = far[crossed][:, ::-1]
    share = rng.random((len(faces), 6, 1))
    start = (posed[near[:, :1]] * (1 - share) + posed[near[:, 1:]] * share).reshape(-1, 3)
    end = (posed[far[:, :1]] * (1 - share) + posed[far[:, 1:]] * share).reshape(-1, 3)
    steps = np.linspace(0, 1, 5)[None, :, None]
    return start[:, None] + (end - start)[:, None] * steps * rng.uniform(0.6, 1, (len(start), 1, 1))


def beard(rng, data, head, surface):
    """Strands of a beard and its kind, or (None, "none")."""
    kind = rng.choice([*BEARDS, "none"], p=[0.12, 0.12, 0.12, 0.04, 0.6])
    if kind == "none":
        return None, "none"
    local = head.local_points[:BODY_POINTS]
    mouth = local[data.masks["lips"][:BODY_POINTS] > 0.5].mean(0)
    height = local[:, 2] - mouth[2]
    aside = np.abs(local[:, 0])
    # below a line from the upper lip up to the ear, not on the lips, and not down the neck
    line = 0.018 + 0.55 * np.clip(aside - 0.028, 0, None)
    behind = (local[:, 1] - local[:, 1].min()) / np.ptp(local[head.on_head, 1])
    grows = head.on_head & (height < line) & (height > -0.07) & (data.masks["lips"][:BODY_POINTS] < 0.1) & (behind < 0.55)
    if kind in ("full", "long") and rng.random() < 0.3:  # chin and lip only
        grows &= aside < 0.03
    tris = head.tris[grows[head.tris].all(1)]
    if len(tris) < 12:
        return None, "none"
    base, share = BEARDS[kind]
    count = int(rng.integers(5000, 9000) * (0.6 + share))
    roots, chosen, _ = scatter(rng, head.posed, tris, count)
    facing = unit(head.normals[tris[chosen]].mean(1))
    length = base * rng.uniform(0.7, 1.3)
    growth = Growth(length=length, spread=0.35, steps=8, lift=0.6, comb=0.5, gravity=0.2, gap=0.001, clump=0.2,
                    noise=0.14 * length, stray=0.06, wander=0.08, guard=False, guides=300)
    way = combed(head, roots, facing, (0.0, -0.3, -1.0))
    return grow(rng, roots, facing, way, growth, head, surface), kind
