"""Small pieces of geometry on numpy arrays: unit vectors, rotations, normals, points on a surface, smooth noise."""
import math

import numpy as np

UP = np.array([0.0, 0.0, 1.0])


def unit(vectors):
    """Vectors (..., 3) scaled to length 1."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)


def turn(axis, angle):
    """Rotation matrix about ``"X"``, ``"Y"`` or ``"Z"`` by ``angle`` radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def about(axis, angle):
    """Rotation matrix about the vector ``axis`` (3,) by ``angle`` radians."""
    x, y, z = unit(np.asarray(axis, float))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def shortest(source, target):
    """The rotation matrix that turns direction ``source`` to direction ``target`` by the shortest way."""
    source, target = unit(np.asarray(source, float)), unit(np.asarray(target, float))
    axis = np.cross(source, target)
    sine, cosine = np.linalg.norm(axis), float(source @ target)
    if sine < 1e-9:
        return np.eye(3) if cosine > 0 else about(np.cross(source, [0.3, 0.5, 0.8]), math.pi)
    return about(axis, math.atan2(sine, cosine))


def part_way(rotation, share):
    """``rotation`` (3, 3) carried out to ``share`` of its angle."""
    angle = math.acos(min(1.0, max(-1.0, (np.trace(rotation) - 1) / 2)))
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    if np.linalg.norm(axis) < 1e-9:
        return np.eye(3)
    return about(axis, angle * share)


def triangles(faces):
    """Faces of three or four corners as an array (T, 3)."""
    found = [[face[0], face[place], face[place + 1]] for face in faces for place in range(1, len(face) - 1)]
    return np.array(found)


def normals(points, tris):
    """Unit normals (V, 3) of ``points`` from the triangles around them, weighted by area."""
    cross = np.cross(points[tris[:, 1]] - points[tris[:, 0]], points[tris[:, 2]] - points[tris[:, 0]])
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, tris[:, corner], cross)
    return unit(total)


def scatter(rng, points, tris, count, weight=None):
    """``count`` random points of a surface, even by area times ``weight`` (T,): (points, triangle of each, shares)."""
    first, second, third = (points[tris[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1) + 1e-15
    area = area if weight is None else area * weight
    chosen = rng.choice(len(tris), count, p=area / area.sum())
    shares = rng.dirichlet((1, 1, 1), count)
    spots = np.einsum("nk,nkd->nd", shares, points[tris[chosen]])
    return spots, chosen, shares


def smooth_noise(rng, rows, steps, knots=5):
    """Random curves (rows, steps, 3) of deviation near 1 that run smoothly through ``knots`` random values."""
    values = rng.normal(0, 1, (rows, knots, 3))
    place = np.linspace(0, knots - 1, steps)
    low = np.minimum(place.astype(int), knots - 2)
    share = (place - low)[None, :, None]
    share = share * share * (3 - 2 * share)
    return values[:, low] * (1 - share) + values[:, low + 1] * share


class Waves:
    """A smooth random field of space, as a sum of plane waves: cheap folds for cloth and bark."""

    def __init__(self, rng, wavelength, stretch=(1, 1, 1), count=24):
        """``wavelength`` in metres; ``stretch`` (3,) makes the waves that much longer along an axis."""
        heading = unit(rng.normal(0, 1, (count, 3)))
        length = wavelength * np.exp(rng.normal(0, 0.35, (count, 1)))
        self.vectors = 2 * math.pi * heading / length / np.asarray(stretch, float)
        self.phases = rng.uniform(0, 2 * math.pi, count)

    def __call__(self, points):
        """Values of deviation near 1 at ``points`` (..., 3)."""
        return np.sin(points @ self.vectors.T + self.phases).mean(-1) * math.sqrt(2 * len(self.phases))
