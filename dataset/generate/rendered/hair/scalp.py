"""The head as hair sees it: its own axes, where hair grows, and the surface that strands must not enter."""
import math

import numpy as np
from scipy.spatial import cKDTree

from bgmatting.dataset.generate.rendered.body.body import BODY_POINTS
from bgmatting.dataset.generate.rendered.body.geometry import normals, scatter, triangles, unit

# Height of the hairline above the eyes by the angle from straight ahead, for a head 0.115 m high above the eyes.
ANGLES = np.radians((0, 25, 45, 60, 74, 84, 100, 118, 150, 180))
HEIGHTS = np.array((0.066, 0.068, 0.062, 0.046, 0.012, -0.012, -0.004, -0.03, -0.058, -0.066))
USUAL_HEIGHT = 0.115


class Surface:
    """Points with normals that strands are kept outside of."""

    def __init__(self, parts):
        """``parts`` is a list of (points (P, 3), normals (P, 3))."""
        self.points = np.concatenate([points for points, _ in parts])
        self.normals = np.concatenate([found for _, found in parts])
        self.tree = cKDTree(self.points)

    def push(self, places, gap, near=0.05):
        """``places`` (N, 3) moved out to ``gap`` metres (a number or (N,)) above the surface where they are inside."""
        distance, nearest = self.tree.query(places, distance_upper_bound=near)
        found = np.isfinite(distance)
        nearest = np.where(found, nearest, 0)
        height = np.einsum("nd,nd->n", places - self.points[nearest], self.normals[nearest])
        lift = np.where(found, np.clip(gap - height, 0, None), 0)
        return places + self.normals[nearest] * lift[:, None]

    def along(self, places):
        """Normals (N, 3) of the surface nearest to ``places``."""
        return self.normals[self.tree.query(places)[1]]


class Head:
    """A posed head. Local axes: origin between the eyes, x to the person's left, y to the back, z to the crown."""

    def __init__(self, data, rest, posed, skeleton):
        """``rest`` and ``posed`` are the points (V, 3) of one person before and after ``skeleton`` moved them."""
        eyes = data.corners("helper-l-eye", "helper-r-eye")
        bone = skeleton.index("head")
        self.axes = skeleton.solve()[0][bone]
        self.origin = posed[eyes].mean(0)
        self.local_points = rest - rest[eyes].mean(0)
        self.tris = triangles(data.faces("body")[0])
        self.on_head = _descendants(data, bone)[:BODY_POINTS] > 0.5
        self.ears = data.masks["ears"]
        self.posed, self.normals = posed, normals(posed, self.tris)
        skull = self.local_points[:BODY_POINTS][self.on_head & (self.local_points[:BODY_POINTS, 2] > 0.0)]
        self.top = float(skull[:, 2].max())
        self.centre = np.array([0, (skull[:, 1].min() + skull[:, 1].max()) / 2, 0.2 * self.top])
        self.half_width = float(np.percentile(np.abs(skull[:, 0]), 97))
        self.half_depth = float(np.ptp(skull[:, 1])) / 2

    @property
    def scale(self):
        """Size of this head beside the usual one."""
        return self.top / USUAL_HEIGHT

    def to_world(self, local):
        """Local places (..., 3) in the scene."""
        return local @ self.axes.T + self.origin

    def to_local(self, world):
        """Places of the scene (..., 3) in local axes."""
        return (world - self.origin) @ self.axes

    @property
    def forward(self):
        """The direction the face looks to, level with the ground."""
        ahead = self.axes @ np.array([0, -1.0, 0])
        return unit(ahead * np.array([1, 1, 0]))

    def hairline(self, local, recede=0.0):
        """Height of the hairline (N,) at the angle of ``local`` (N, 3); ``recede`` metres lift it at the temples."""
        angle = np.arctan2(np.abs(local[:, 0]), -(local[:, 1] - self.centre[1]))
        lift = recede * np.exp(-((angle - math.radians(38)) / 0.35) ** 2) + 0.5 * recede * np.exp(-(angle / 0.5) ** 2)
        return np.interp(angle, ANGLES, HEIGHTS) * self.scale + lift

    def roots(self, rng, count, recede=0.0, soft=0.014):
        """About ``count`` places on the scalp, thinning out over ``soft`` metres at the hairline: (points, normals)."""
        local = self.local_points[:BODY_POINTS]
        over = local[:, 2] - self.hairline(local, recede)
        fertile = self.on_head & (over > -0.004) & (self.ears[:BODY_POINTS] < 0.15)
        tris = self.tris[fertile[self.tris].all(1)]
        places, chosen, shares = scatter(rng, self.posed, tris, int(count * 1.15))
        height = np.einsum("nk,nk->n", shares, over[tris[chosen]])
        keep = rng.random(len(places)) < np.clip(height / soft, 0, 1) ** 0.7
        facing = unit(np.einsum("nk,nkd->nd", shares, self.normals[tris[chosen]]))
        return places[keep], facing[keep]

    def surface(self, garments=()):
        """The body and ``garments`` (points, normals) as one surface."""
        used = np.unique(self.tris)
        return Surface([(self.posed[used], self.normals[used]), *garments])


def _descendants(data, bone):
    """Weight (V,) of each point on ``bone`` or the bones it carries."""
    carried = np.zeros(len(data.names), bool)
    for place, parent in enumerate(data.parents):
        carried[place] = place == bone or (parent >= 0 and carried[parent])
    return data.weights[:, carried].sum(1)
