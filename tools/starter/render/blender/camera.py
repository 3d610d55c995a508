"""Where the camera stands, what it frames, how it blurs."""
import dataclasses
import math

import bpy
import numpy as np
from mathutils import Vector

from tools.starter.render.blender.scene import link

FRAMES = {"close": 0.12, "bust": 0.4, "half": 0.33, "full": 0.15}
# How far the middle lies below the middle of the skull, and metres across.
PARTS = {"close": ((0.0, 0.06), (0.32, 0.45)), "bust": ((0.06, 0.17), (0.5, 0.8)), "half": ((0.25, 0.4), (0.9, 1.3))}
MOVED = 0.06  # share of pictures with motion blur


@dataclasses.dataclass(frozen=True)
class View:
    """The view of an image: the middle (3,), metres across, the side it is seen from (3,), and what is in focus (3,)."""

    target: np.ndarray
    size: float
    toward: np.ndarray
    focus: np.ndarray


def frame_person(rng, points, head, frame=None):
    """The View of a person with body ``points`` (P, 3): close, bust, half or full; and the name of the frame."""
    frame = frame or str(rng.choice(list(FRAMES), p=list(FRAMES.values())))
    top = head.to_world(head.centre)
    focus = head.origin + head.forward * 0.01
    if frame == "full":
        low, high = points.min(0), points.max(0)
        size = float((high - low).max()) * rng.uniform(1.12, 1.3)
        return View((low + high) / 2 + np.array([0, 0, 0.04]), size, head.forward, focus), frame
    drop, size = PARTS[frame]
    aside = np.cross(head.forward, [0, 0, 1]) * rng.normal(0, 0.04)
    return View(top - np.array([0, 0, rng.uniform(*drop)]) + aside, rng.uniform(*size), head.forward, focus), frame


def frame_all(rng, points, toward, loose=(1.08, 1.3)):
    """The View of everything in ``points`` (P, 3)."""
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    return View(middle, float((high - low).max()) * rng.uniform(*loose), np.asarray(toward, float), middle)


def add_camera(rng, view, behind=0.08, focus=True):
    """A camera for ``view``; ``behind`` is the chance to look from the back. Returns what was drawn."""
    lens = bpy.data.cameras.new("camera")
    item = link("camera", lens)
    bpy.context.scene.camera = item
    lens.lens = rng.uniform(40, 105)
    distance = view.size * lens.lens / lens.sensor_width
    turned = math.pi + rng.normal(0, 0.4) if rng.random() < behind else rng.normal(0, 0.5)
    azimuth, height = math.atan2(view.toward[1], view.toward[0]) + turned, rng.normal(0.04, 0.12)
    way = np.array([math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)])
    item.location = view.target + way * distance
    item.rotation_euler = Vector((-way).tolist()).to_track_quat("-Z", "Y").to_euler()
    item.rotation_euler.rotate_axis("Z", rng.normal(0, 0.03))
    lens.dof.use_dof = bool(focus and rng.random() < 0.3)
    lens.dof.focus_distance = float(np.linalg.norm(view.focus - item.location))
    blur = rng.uniform(0.003, 0.02)  # share of the picture's width, for what lies a fifth of that width out of focus
    lens.dof.aperture_fstop = float(0.001 * lens.lens / (blur * distance / 0.2))
    about = {"lens": round(lens.lens, 1), "fstop": round(lens.dof.aperture_fstop, 1) if lens.dof.use_dof else None}
    about["motion"] = _move(rng, item, distance, view.size) if rng.random() < MOVED else 0
    return about


def _move(rng, item, distance, size):
    """Blur by motion: the camera moves during the exposure, by the returned share of the picture's width."""
    share = float(rng.uniform(0.004, 0.02))
    way = item.rotation_euler.to_matrix() @ Vector((rng.normal(), rng.normal() * 0.5, 0)).normalized()
    scene = bpy.context.scene
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    start = item.location.copy()
    for frame, step in ((0, -1), (1, 0), (2, 1)):
        item.location = start + way * share * size * step
        item.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    return round(share, 4)
