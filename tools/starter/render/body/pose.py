"""How a person stands or sits, and where the hands go: drawn at random, carried out on a Skeleton."""
import dataclasses

import numpy as np

from tools.starter.render.body.files import read_pose
from tools.starter.render.body.geometry import UP, about, part_way, turn, unit

# What an arm does: chance, then the wrist's place and the elbow's direction, both as shares of (out, forward, up).
# Places are in units of the distance from hip to shoulder, seen from the landmark named first.
GESTURES = {
    "hang": (0.36, "hip", (0.26, 0.1, -0.2), (0.35, -1.0, 0.0)),
    "bent": (0.1, "hip", (0.25, 0.45, 0.15), (0.5, -1.0, -0.2)),
    "hip": (0.11, "hip", (0.32, 0.06, 0.3), (1.0, -0.3, 0.0)),
    "pocket": (0.08, "hip", (0.3, 0.17, 0.02), (0.6, -1.0, 0.0)),
    "behind": (0.04, "hip", (0.05, -0.3, 0.2), (1.0, -0.5, 0.0)),
    "fold": (0.08, "chest", (-0.04, 0.5, -0.24), (0.6, 0.1, -1.0)),
    "chin": (0.06, "head", (0.08, 0.34, -0.3), (0.5, 0.3, -1.0)),
    "hair": (0.05, "head", (0.36, 0.05, 0.2), (1.0, 0.3, 0.3)),
    "hold": (0.06, "chest", (0.12, 0.7, -0.2), (0.5, -0.3, -1.0)),
    "wave": (0.03, "shoulder", (0.4, 0.3, 0.5), (0.7, 0.0, -1.0)),
    "point": (0.03, "shoulder", (0.1, 1.1, 0.0), (0.4, 0.0, -1.0)),
}
TWIST = {"fold": 0.9, "hold": 0.8, "wave": -0.6, "chin": 0.9, "hip": 0.7}  # radians of the forearm about itself
LANDMARKS = {"hip": "upperleg01", "shoulder": "upperarm01"}
CALM = "standing"
NECK = (("neck01", 0.25), ("neck02", 0.25), ("neck03", 0.2), ("head", 0.3))


@dataclasses.dataclass(frozen=True)
class Pose:
    """A drawn pose: files of whole-body poses with their shares, gestures by side, whether the person sits."""

    stances: tuple
    gestures: dict
    seated: bool


def draw_pose(rng, assets, seated=False, gesture=None):
    """A random pose; both hands folded go together, so do both in the pockets half of the time."""
    files = sorted((assets.wardrobe / "poses").glob("*.bvh"))
    calm = [path for path in files if CALM in path.name]
    if seated:
        stances = ((assets.wardrobe / "poses/sit01.bvh", 1.0),)
    else:
        share = float(rng.uniform(0, 1))
        lively = files if rng.random() < 0.12 else calm
        stances = ((calm[rng.integers(len(calm))], 1 - share), (lively[rng.integers(len(lively))], share))
    names = list(GESTURES)
    chances = np.array([GESTURES[name][0] for name in names])
    left, right = rng.choice(names, 2, p=chances / chances.sum())
    if "fold" in (left, right):
        left = right = "fold"
    elif left in ("pocket", "hip", "behind") and rng.random() < 0.5:
        right = left
    if gesture:
        left = right = gesture
    return Pose(stances, {"L": str(left), "R": str(right)}, seated)


def apply_pose(rng, skeleton, pose):
    """Bend ``skeleton`` into ``pose``; small turns of trunk, neck, arms and fingers are drawn from ``rng``."""
    _stance(rng, skeleton, pose)
    _trunk(rng, skeleton)
    for side, gesture in pose.gestures.items():
        _arm(rng, skeleton, side, gesture)
        loose = rng.uniform(0.05, 0.35)
        tight = {"hip": 0.5, "hold": 0.9, "pocket": 0.3, "chin": 0.6}.get(gesture, loose)
        skeleton.curl(side, tight * rng.uniform(0.7, 1.3) + rng.normal(0, 0.06, 4), rng.normal(0.02, 0.05))


def _stance(rng, skeleton, pose):
    """Legs and spine of the mixed pose files; the arms come later."""
    strength = 1.0 if pose.seated else rng.uniform(0.5, 1.0)
    for path, share in pose.stances:
        for bone, rotation in read_pose(path).items():
            if bone != "root" and bone in skeleton.names:
                skeleton.rotate(bone, part_way(rotation, share * strength))


def _trunk(rng, skeleton):
    """Small leanings of the spine, and a turn of the head."""
    degrees = np.pi / 180
    for bone in ("spine04", "spine03", "spine02", "spine01"):
        for axis, spread in (("X", 2.0), ("Y", 2.2), ("Z", 3.5)):
            skeleton.rotate(bone, turn(axis, rng.normal(0, spread) * degrees))
    for bone in ("clavicle.L", "clavicle.R"):
        skeleton.rotate(bone, turn("Y", rng.normal(0, 3) * degrees))
    nod, tilt, yaw = rng.normal(2, 7) * degrees, rng.normal(0, 6) * degrees, rng.normal(0, 18) * degrees
    for bone, share in NECK:
        skeleton.rotate(bone, turn("X", nod * share) @ turn("Y", tilt * share) @ turn("Z", yaw * share))


def _arm(rng, skeleton, side, gesture):
    """Bring one hand to the place of its gesture."""
    _, landmark, place, pole = GESTURES[gesture]
    world, places = skeleton.solve()
    bone = LANDMARKS.get(landmark)
    origin = places[skeleton.index(f"{bone}.{side}" if bone else {"chest": "spine01", "head": "head"}[landmark])]
    frame = world[skeleton.index("head" if landmark == "head" else "spine01")]
    sign = 1 if side == "L" else -1
    axes = np.stack([frame @ [sign, 0, 0], frame @ [0, -1, 0], frame @ UP])
    span = np.linalg.norm(places[skeleton.index(f"upperarm01.{side}")] - places[skeleton.index(f"upperleg01.{side}")])
    wanted = (np.array(place) + rng.normal(0, 0.05, 3)) * span
    if landmark == "chest":  # the spine's bone lies behind the breast bone
        wanted = wanted + np.array([0, 0.05, 0]) * span
    twist = sign * (TWIST.get(gesture, 0.0) + rng.normal(0, 0.25))
    skeleton.reach(side, origin + wanted @ axes, unit((np.array(pole) + rng.normal(0, 0.15, 3)) @ axes), twist)
    skeleton.rotate(f"wrist.{side}", about(rng.normal(0, 1, 3), rng.normal(0, 0.2)))
