"""Hats: knitted, caps with a peak, straw with pin holes between its threads."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender import cloth
from bgmatting.dataset.generate.rendered.blender.material import Material, linear
from bgmatting.dataset.generate.rendered.blender.scene import add_mesh, grid_faces
from bgmatting.dataset.generate.rendered.body.geometry import Waves, turn, unit

HATS = {"beanie": 0.042, "cap": 0.05, "straw": 0.05}  # height of the band above the eyes, for a head of usual size


def add_hat(rng, head, kind):
    """A knitted hat, a cap or a straw hat, turned about the head's own axis."""
    size = np.array([head.half_width + 0.012, head.half_depth + 0.012, head.top + 0.004])
    base = HATS[kind] * head.scale
    rows, columns = 18, 72
    share, angle = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij")
    tall = rng.uniform(0.02, 0.05) if kind == "beanie" else rng.uniform(0.005, 0.03)
    height = base - 0.01 + (size[2] + tall - base) * np.sin(share * np.pi / 2)
    bulge = np.cos(share * np.pi / 2) ** (0.5 if kind != "straw" else 0.35)
    rib = 1 + (0.012 * np.sin(36 * angle) if kind == "beanie" else 0) + 0.03 * (kind == "beanie") * (1 - share)
    wide = bulge * rib
    points = np.stack([np.cos(angle) * size[0] * wide, head.centre[1] + np.sin(angle) * size[1] * wide, height], -1)
    points = points.reshape(-1, 3)
    points += 0.003 * Waves(rng, 0.05)(points)[:, None] * unit(points - head.centre)
    fabric = cloth.cloth(rng) if kind != "straw" else _straw(rng)
    tilt = rng.normal(0, 0.08)
    lean = turn("X", tilt)

    def place(local):
        return head.to_world((local - head.centre) @ lean.T + head.centre)

    add_mesh("hat", place(points), grid_faces(rows, columns, closed=True), [fabric], subdivide=1, thickness=0.003)
    if kind != "beanie":
        _brim(rng, place, head, size, base, kind, fabric)


def _brim(rng, place, head, size, base, kind, fabric):
    """The peak of a cap or the round brim of a straw hat."""
    rows, columns = 8, 72
    share, angle = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij")
    wide = np.full_like(angle, rng.uniform(0.06, 0.12))
    if kind == "cap":
        wide = 0.07 * np.clip(-np.sin(angle), 0, 1) ** 0.6
    drop = 0.02 if kind == "cap" else 0.012
    wave = 0.006 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.004 * np.sin(3 * angle)
    height = base - 0.004 - drop * share ** 2 + wave * share * (kind == "straw")
    across, along = size[0] * 0.99 + share * wide, size[1] * 0.99 + share * wide
    points = np.stack([np.cos(angle) * across, head.centre[1] + np.sin(angle) * along, height], -1)
    add_mesh("brim", place(points.reshape(-1, 3)), grid_faces(rows, columns, closed=True), [fabric], thickness=0.002)


def _straw(rng):
    """Woven straw with pin holes between the threads."""
    material = Material("straw")
    rings = material.node("TexWave", {"Vector": material.spot(), "Scale": 55.0, "Distortion": 1.0}, wave_type="RINGS",
                          rings_direction="Z").outputs["Fac"]
    rays = material.node("TexVoronoi", {"Vector": material.spot(), "Scale": 240.0}, feature="DISTANCE_TO_EDGE").outputs[0]
    solid = material.math("MAXIMUM", material.math("GREATER_THAN", rings, float(rng.uniform(0.2, 0.4))),
                          material.math("LESS_THAN", rays, 0.07))
    colour = material.mix(rings, linear((150, 118, 74)), linear((206, 178, 128)))
    shader = material.node("BsdfPrincipled", {"Base Color": colour, "Roughness": 0.7})
    return material.finish(shader.outputs[0], solid=solid)
