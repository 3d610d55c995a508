"""Clothes on a body: the free suits, worn looser than they come, with folds; skirts; and what they hide."""
import dataclasses

import numpy as np

from bgmatting.dataset.generate.rendered.blender.cloth import cloth, leather
from bgmatting.dataset.generate.rendered.blender.scene import add_mesh
from bgmatting.dataset.generate.rendered.body.body import fitted
from bgmatting.dataset.generate.rendered.body.files import read_clothing, read_obj
from bgmatting.dataset.generate.rendered.body.geometry import Waves, normals, triangles

LARGE = 150        # points from which a connected piece of a suit gets a cloth of its own
TORN = 0.1        # metres; a face longer than this and three times its length at rest is a fault of the fit


@dataclasses.dataclass
class Worn:
    """A garment on a posed body: its points (P, 3) with normals, and the body points that it hides."""

    points: np.ndarray
    normals: np.ndarray
    hidden: set


def choose_clothes(rng, assets, male):
    """Folders of the pieces that a person wears: a suit, and shoes."""
    folder = assets.wardrobe / "clothes"
    suits = sorted(path.name for path in folder.iterdir() if "suit" in path.name)
    own = [name for name in suits if name.startswith("male" if male else "female")]
    chosen = rng.choice(own if own and rng.random() < 0.75 else suits)
    return [folder / str(chosen), folder / f"shoes{rng.integers(1, 7):02d}"]


def pieces(count, faces):
    """Number (count,) of the connected piece that each point belongs to."""
    parent = np.arange(count)

    def root(point):
        while parent[point] != point:
            parent[point] = parent[parent[point]]
            point = parent[point]
        return point

    for face in faces:
        first = root(face[0])
        for point in face[1:]:
            parent[root(point)] = first
    return np.array([root(point) for point in range(count)])


def loosened(rng, points, tris, most=0.02):
    """Points of cloth moved off the body by up to ``most`` metres, more in some places, with hanging folds."""
    outwards = normals(points, tris)
    slack = np.clip(0.5 + 0.5 * Waves(rng, 0.5)(points), 0, 1) * rng.uniform(0.1, 1) * most
    hanging = Waves(rng, rng.uniform(0.07, 0.12), (1, 1, rng.uniform(2, 4)))(points)
    slanting = Waves(rng, rng.uniform(0.06, 0.1))(points)
    fold = np.abs(hanging) * 0.6 + np.clip(slanting, 0, None) * 0.4
    return points + outwards * (0.0015 + slack * (0.45 + 0.55 * fold))[:, None]


def whole_faces(rest, posed, faces):
    """Which faces (F,) the pose has not torn long."""
    rings = np.array([face if len(face) == 4 else [*face[:3], face[2]] for face in faces])
    before, after = (np.linalg.norm(points[rings] - points[np.roll(rings, 1, 1)], axis=2).max(1) for points in (rest, posed))
    return after < np.maximum(TORN, 3 * before)


def wear(rng, folder, rest, weights, skeleton):
    """Put the clothes of ``folder`` on a body and into the scene; returns what is Worn."""
    path = sorted(folder.glob("*.mhclo"))[0]
    clothing = read_clothing(path)
    mesh = read_obj(clothing.mesh)
    points, skin = fitted(clothing, rest, weights)
    tris = triangles(mesh.faces)
    shoes = "shoe" in folder.name
    if not shoes:
        points = loosened(rng, points, tris)
    posed = skeleton.skin(points, skin)
    piece = pieces(len(points), mesh.faces)
    names, counts = np.unique(piece, return_counts=True)
    large = names[np.argsort(-counts)][:6]
    make = leather if shoes else cloth
    slot = {name: place + 1 for place, name in enumerate(large) if counts[names == name] > LARGE}
    slot = {} if shoes else slot  # both shoes are alike
    materials = [make(rng) for _ in range(1 + len(slot))]
    keep = whole_faces(points, posed, mesh.faces)
    chosen = [face for face, good in zip(mesh.faces, keep) if good]
    add_mesh(folder.name, posed, chosen, materials, uv=mesh.uv, thickness=0.002, subdivide=1,
             uv_faces=[face for face, good in zip(mesh.uv_faces, keep) if good],
             slots=[slot.get(piece[face[0]], 0) for face in chosen])
    return Worn(posed, normals(posed, tris), clothing.hidden)


def wear_skirt(rng, data, rest, skeleton):
    """A skirt or the lower half of a dress from the body data's own skirt, cut to a length, with falling folds."""
    faces, _ = data.faces("helper-skirt")
    used = data.corners("helper-skirt")
    top, bottom = rest[used, 2].max(), rest[used, 2].min()
    hem = bottom + (top - bottom) * rng.uniform(0, 0.65)
    points = rest.copy()
    depth = np.clip((top - points[:, 2]) / (top - bottom), 0, 1)
    angle = np.arctan2(points[:, 1] - rest[used, 1].mean(), points[:, 0])
    count, phase = rng.integers(7, 18), rng.uniform(0, 6.28, 2)
    fold = np.sin(count * angle + phase[0] + 1.2 * np.sin(2 * angle + phase[1]))
    flare = rng.uniform(0.0, 0.25)
    centre = np.array([0, rest[used, 1].mean(), 0])
    outwards = (points - centre) * np.array([1, 1, 0])
    points = points + outwards * (flare * depth + rng.uniform(0.05, 0.16) * depth * fold)[:, None] + outwards * 0.06
    posed = skeleton.skin(points, data.weights)
    kept = [face for face in faces if rest[face, 2].mean() > hem]
    add_mesh("skirt", posed, kept, [cloth(rng)], thickness=0.0015, subdivide=2)
    tris = triangles(kept)
    ids = np.unique(tris)
    return Worn(posed[ids], normals(posed, tris)[ids], set())
