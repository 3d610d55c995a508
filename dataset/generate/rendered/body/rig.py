"""The skeleton in motion: rotations of bones carried down the chain, skin that follows, hands that reach a place."""
import numpy as np

from bgmatting.dataset.generate.rendered.body.geometry import about, shortest, unit


class Skeleton:
    """One person's bones. ``local`` holds a rotation (3, 3) per bone, in the frame of its parent, at first none."""

    def __init__(self, data, rest):
        """The bones of ``data`` (a BodyData) in the shape ``rest`` (V, 3)."""
        self.names, self.parents = data.names, data.parents
        self.heads, self.tails = data.heads(rest), data.tails(rest)
        self.local = np.tile(np.eye(3), (len(self.names), 1, 1))
        self.root = np.zeros(3)

    def index(self, name):
        """The place of a bone by name."""
        return self.names.index(name)

    def rotate(self, name, rotation):
        """Turn a bone further, in its parent's frame."""
        place = self.index(name)
        self.local[place] = rotation @ self.local[place]

    def solve(self):
        """World rotations (bones, 3, 3) and places (bones, 3) of all bones."""
        world, places = np.zeros_like(self.local), np.zeros_like(self.heads)
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                world[bone], places[bone] = self.local[bone], self.heads[bone] + self.root
            else:
                world[bone] = world[parent] @ self.local[bone]
                places[bone] = places[parent] + world[parent] @ (self.heads[bone] - self.heads[parent])
        return world, places

    def skin(self, points, weights):
        """Points (P, 3) at rest, moved with the bones by ``weights`` (P, bones)."""
        world, places = self.solve()
        shifts = places - np.einsum("bij,bj->bi", world, self.heads)
        matrices = np.tensordot(weights, world, 1)
        return np.einsum("pij,pj->pi", matrices, points) + weights @ shifts

    def reach(self, side, target, pole, twist=0.0):
        """Bring the wrist of ``side`` ("L" or "R") near ``target`` (3,), the elbow towards ``pole`` (a direction).

        ``twist`` turns the forearm about itself, in radians. A target out of reach is approached as far as it goes.
        """
        shoulder, elbow, wrist = (self.index(f"{name}.{side}") for name in ("upperarm01", "lowerarm01", "wrist"))
        for bone in range(len(self.names)):
            if self.names[bone] in (f"upperarm01.{side}", f"upperarm02.{side}", f"lowerarm01.{side}",
                                    f"lowerarm02.{side}"):
                self.local[bone] = np.eye(3)
        _, places = self.solve()
        upper = np.linalg.norm(self.heads[elbow] - self.heads[shoulder])
        lower = np.linalg.norm(self.heads[wrist] - self.heads[elbow])
        start, way = places[shoulder], target - places[shoulder]
        length = np.clip(np.linalg.norm(way), abs(upper - lower) + 0.02, (upper + lower) * 0.995)
        way = unit(way)
        along = (upper ** 2 - lower ** 2 + length ** 2) / (2 * length)
        aside = np.sqrt(max(0.0, upper ** 2 - along ** 2))
        bend = unit(pole - way * (pole @ way))
        self._aim(shoulder, elbow, start + way * along + bend * aside)
        self._aim(elbow, wrist, start + way * length)
        if twist:
            self._twist(side, elbow, wrist, twist)

    def _aim(self, bone, child, place):
        """Turn ``bone`` so that ``child`` comes to lie towards ``place``."""
        world, places = self.solve()
        turned = shortest(places[child] - places[bone], place - places[bone])
        before = world[self.parents[bone]]
        self.local[bone] = before.T @ turned @ before @ self.local[bone]

    def _twist(self, side, elbow, wrist, angle):
        """Turn the forearm about itself, half of it before the wrist and half at it."""
        axis = self.heads[wrist] - self.heads[elbow]
        self.rotate(f"lowerarm02.{side}", about(axis, angle / 2))
        self.rotate(f"wrist.{side}", about(axis, angle / 2))

    def curl(self, side, amounts, spread=0.0):
        """Bend the fingers: ``amounts`` (4,) radians per joint from index to little finger; ``spread`` fans them."""
        wrist = self.heads[self.index(f"wrist.{side}")]
        first, last = (self.heads[self.index(f"finger{finger}-1.{side}")] for finger in (2, 5))
        forward = unit((first + last) / 2 - wrist)
        across = unit(last - first - forward * ((last - first) @ forward))
        palm = np.cross(forward, across)
        # at rest the palm looks down and towards the body, so fingers must bend that way
        axis = across if (about(across, 0.3) @ forward)[2] < forward[2] else -across
        for finger, amount in zip((2, 3, 4, 5), amounts):
            for joint in (1, 2, 3):
                self.rotate(f"finger{finger}-{joint}.{side}", about(axis, amount))
            self.rotate(f"finger{finger}-1.{side}", about(palm, spread * (3.5 - finger)))
        for joint in (2, 3):
            self.rotate(f"finger1-{joint}.{side}", about(axis, float(np.mean(amounts)) * 0.6))
