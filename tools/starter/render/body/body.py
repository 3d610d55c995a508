"""The human body as numpy arrays: the free base mesh, morphed to a person's shape, with its skeleton."""
import functools
import json

import cv2
import numpy as np

from tools.starter.render.body.files import read_obj, read_target
from tools.starter.render.body.traits import FACE_FOLDERS, draw_expression, draw_face, large_targets

BODY_POINTS = 13380  # of the mesh; the points after them are helpers: eyes, teeth, joints, cloth
LARGE_FOLDERS = ("macrodetails", "macrodetails/height", "macrodetails/proportions", "breast")
MASKS = ("ears", "lips", "eyelids", "face", "fingernails")


def to_metres(points):
    """Points of the files (y up, tenths of a metre) as metres with z up."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1) * 0.1


class BodyData:
    """Data that all people share: mesh, targets, skeleton and masks. Read once, never written to."""

    def __init__(self, assets):
        """Read the mesh and the skeleton of ``assets``; targets are read when a person first needs them."""
        self.assets = assets
        self.mesh = read_obj(assets.body / "3dobjs/base.obj")
        rig = assets.body / "rigs/standard"
        self.bones = sorted_bones(json.loads((rig / "rig.default.json").read_text()))
        self.names = [name for name, _ in self.bones]
        self.parents = [self.names.index(bone["parent"]) if bone["parent"] else -1 for _, bone in self.bones]
        self.weights = self._weights(json.loads((rig / "weights.default.json").read_text())["weights"])
        self.joints = {name: self.corners(name) for name in set(self.mesh.groups) if name.startswith("joint-")}
        self.target = functools.lru_cache(maxsize=None)(read_target)

    def _weights(self, table):
        """Skin weights (V, bones), each point's sum 1; points of no bone follow the root."""
        weights = np.zeros((len(self.mesh.points), len(self.names)))
        for name, rows in table.items():
            if name in self.names and rows:
                rows = np.array(rows)
                weights[rows[:, 0].astype(int), self.names.index(name)] = rows[:, 1]
        weights[weights.sum(1) < 1e-6, self.names.index("root")] = 1
        return weights / weights.sum(1, keepdims=True)

    def corners(self, *groups):
        """Sorted indices of all points that the faces of these groups use."""
        return np.unique([point for face in self.faces(*groups)[0] for point in face])

    def faces(self, *groups):
        """Faces and uv faces of these groups."""
        chosen = np.flatnonzero(np.isin(self.mesh.groups, groups))
        return [self.mesh.faces[place] for place in chosen], [self.mesh.uv_faces[place] for place in chosen]

    @functools.cached_property
    def masks(self):
        """Masks of the skin per point, {name: (V,) 0..1}."""
        uv = np.zeros((len(self.mesh.points), 2))
        for face, uv_face in zip(*self.faces("body")):
            uv[face] = self.mesh.uv[uv_face]
        found = {}
        for name in MASKS:
            picture = cv2.imread(str(self.assets.body / f"textures/mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
            height, width = picture.shape
            row = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
            found[name] = picture[row, np.clip((uv[:, 0] * width).astype(int), 0, width - 1)] / 255.0
        return found

    @functools.cached_property
    def catalogue(self):
        """Files of the targets: ({name: path} of the large ones, {name: path} of the face)."""
        targets = self.assets.body / "targets"
        large = {path.name.split(".")[0]: path for folder in LARGE_FOLDERS
                 for path in sorted((targets / folder).glob("*.target.gz"))}
        face = {path.name.split(".")[0]: path for folder in FACE_FOLDERS
                for path in sorted((targets / folder).glob("*.target.gz"))}
        return large, face

    def shape(self, rng, traits):
        """Points (V, 3) in metres of a person at rest; the face and its expression are drawn from ``rng``."""
        large, face = self.catalogue
        moves = [(large[name], weight) for name, weight in large_targets(large, traits).items()]
        moves += [(face[name], weight) for name, weight in draw_face(rng, face).items() if name in face]
        for name, weight in draw_expression(rng).items():
            path = self.assets.faces / f"{name}.target"
            if path.exists():
                moves.append((path, weight))
        points = self.mesh.points.copy()
        for path, weight in moves:
            indices, offsets = self.target(path)
            points[indices] += weight * offsets
        return to_metres(points)

    def heads(self, points):
        """Where each bone begins (bones, 3), from the points at rest."""
        return np.array([self._place(bone["head"], points) for _, bone in self.bones])

    def tails(self, points):
        """Where each bone ends (bones, 3), from the points at rest."""
        return np.array([self._place(bone["tail"], points) for _, bone in self.bones])

    def _place(self, rule, points):
        """One end of a bone: the centre of a joint's cube, a point, or the mean of points."""
        if rule["strategy"] == "CUBE":
            return points[self.joints[rule["cube_name"]]].mean(0)
        if rule["strategy"] == "VERTEX":
            return points[rule["vertex_index"]]
        return points[rule["vertex_indices"]].mean(0)


def sorted_bones(table):
    """Bones as (name, rules), each after its parent."""
    placed, found = set(), []
    while len(found) < len(table):
        for name in sorted(table):
            parent = table[name]["parent"]
            if name not in placed and (not parent or parent in placed):
                placed.add(name)
                found.append((name, table[name]))
    return found


def fitted(clothing, rest, weights):
    """A garment's points (P, 3) on the body ``rest`` (V, 3), and its skin weights (P, bones)."""
    scale = []
    for axis, column in (("x", 0), ("y", 2), ("z", 1)):
        first, second, length = clothing.scales[axis]
        scale.append(abs(rest[first, column] - rest[second, column]) / (0.1 * length))
    offsets = to_metres(clothing.offsets) * np.array([scale[0], scale[2], scale[1]])
    points = np.einsum("pk,pkd->pd", clothing.weights, rest[clothing.refs]) + offsets
    share = np.clip(clothing.weights, 0, None)
    share /= share.sum(1, keepdims=True)
    skin = sum(weights[clothing.refs[:, corner]] * share[:, corner:corner + 1] for corner in range(3))
    return points, skin / skin.sum(1, keepdims=True)
