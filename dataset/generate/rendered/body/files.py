"""Readers of the formats that the free human assets come in: meshes, targets, clothes, poses."""
import dataclasses
import gzip
import math
import re
from pathlib import Path

import numpy as np

from bgmatting.dataset.generate.rendered.body.geometry import turn


@dataclasses.dataclass
class ObjMesh:
    """A Wavefront mesh: points (V, 3) and uv (T, 2), faces and uv_faces as lists of index lists, group per face."""

    points: np.ndarray
    uv: np.ndarray
    faces: list
    uv_faces: list
    groups: np.ndarray


def read_obj(path):
    """The mesh in ``path``, in the file's own axes and unit."""
    points, uv, faces, uv_faces, groups, group = [], [], [], [], [], ""
    for line in Path(path).read_text(errors="replace").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            points.append([float(word) for word in words[1:4]])
        elif words[0] == "vt":
            uv.append([float(word) for word in words[1:3]])
        elif words[0] == "g":
            group = words[1] if len(words) > 1 else ""
        elif words[0] == "f":
            corners = [word.split("/") for word in words[1:]]
            faces.append([int(corner[0]) - 1 for corner in corners])
            uv_faces.append([int(corner[1]) - 1 if len(corner) > 1 and corner[1] else 0 for corner in corners])
            groups.append(group)
    return ObjMesh(np.array(points), np.array(uv) if uv else np.zeros((1, 2)), faces, uv_faces, np.array(groups))


def read_target(path):
    """A morph target as (indices (K,), offsets (K, 3)), in the file's axes (y up) and unit (a tenth of a metre)."""
    path = Path(path)
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    if "#" in text:
        text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = np.array(text.split(), float).reshape(-1, 4)
    return rows[:, 0].astype(int), rows[:, 1:]


@dataclasses.dataclass
class Clothing:
    """How a garment hangs on the body: each of its points lies near three body points.

    refs (P, 3) body points, weights (P, 3), offsets (P, 3) in the file's axes; scales maps an axis letter to
    (body point, body point, distance in the file's unit); hidden is the set of body points under the garment.
    """

    mesh: Path
    scales: dict
    refs: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    hidden: set


def _hidden_points(words):
    """Indices from words such as ``12 - 15 20``."""
    found, place = set(), 0
    while place < len(words):
        if place + 2 < len(words) and words[place + 1] == "-":
            found.update(range(int(words[place]), int(words[place + 2]) + 1))
            place += 3
        else:
            found.add(int(words[place]))
            place += 1
    return found


def read_clothing(path):
    """The fitting rules in a ``.mhclo`` file."""
    path = Path(path)
    scales, rows, hidden, section, mesh = {}, [], set(), "", None
    for line in path.read_text(errors="replace").splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if re.fullmatch("[xyz]_scale", words[0]):
            scales[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]))
        elif words[0] == "obj_file":
            mesh = path.parent / words[1]
        elif words[0] in ("verts", "delete_verts"):
            section = words[0]
        elif not re.match(r"-?\d", words[0]):
            continue
        elif section == "delete_verts":
            hidden |= _hidden_points(words)
        elif section == "verts" and len(words) == 1:  # a point that simply follows one body point
            rows.append([int(words[0])] * 3 + [1, 0, 0, 0, 0, 0])
        elif section == "verts" and len(words) >= 9:
            rows.append([float(word) for word in words[:9]])
    table = np.array(rows, float)
    return Clothing(mesh, scales, table[:, :3].astype(int), table[:, 3:6], table[:, 6:9], hidden)


def read_pose(path):
    """Rotations (3, 3) of the first frame of a BVH file, by bone."""
    hierarchy, motion = Path(path).read_text().split("MOTION")
    channels, bone = [], ""
    for line in hierarchy.splitlines():
        words = line.split()
        if words and words[0] in ("ROOT", "JOINT"):
            bone = words[1]
        elif words and words[0] == "CHANNELS":
            channels.append((bone, words[2:]))
    values = iter(float(word) for word in motion.strip().splitlines()[2].split())
    pose = {}
    for bone, names in channels:
        rotation = np.eye(3)
        for name in names:
            value = next(values)
            if name.endswith("rotation"):
                rotation = rotation @ turn(name[0], math.radians(value))
        pose[bone] = rotation
    return pose
