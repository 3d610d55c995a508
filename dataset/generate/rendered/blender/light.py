"""Light: a studio's surroundings, lamps around the subject, sometimes the sun or a strong rim from behind."""
import math
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from bgmatting.dataset.generate.rendered.blender.scene import link

KINDS = {"soft": 0.3, "lamps": 0.38, "sun": 0.14, "rim": 0.18}

STRENGTHS = {"soft": (1.0, 1.0), "lamps": (0.3, 1.0), "sun": (0.4, 1.0), "rim": (0.25, 0.6)}  # of the surroundings


def studio_lights():
    """The panoramas that come with Blender (CC0)."""
    return sorted((Path(bpy.utils.resource_path("LOCAL")) / "datafiles/studiolights/world").glob("*.exr"))


def add_light(rng, target, toward):
    """Light the subject at ``target`` (3,) that faces ``toward`` (3,); returns what was drawn."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    name = _surroundings(rng, rng.uniform(*STRENGTHS[kind]))
    ahead = math.atan2(toward[1], toward[0])
    if kind == "lamps":
        for _ in range(rng.integers(1, 4)):
            _lamp(rng, target, ahead + rng.normal(0, 1.2), rng.uniform(-0.1, 1.1), rng.uniform(10, 70), rng.uniform(0.3, 2))
    elif kind == "rim":
        for side in rng.choice([-1, 1], rng.integers(1, 3)):
            _lamp(rng, target, ahead + math.pi + side * rng.uniform(0.1, 0.9), rng.uniform(0.0, 0.9), rng.uniform(90, 260),
                  rng.uniform(0.2, 1))
        _lamp(rng, target, ahead + rng.normal(0, 0.6), rng.uniform(0.1, 0.8), rng.uniform(15, 60), 1.5)
    elif kind == "sun":
        _sun(rng, ahead)
    return {"light": kind, "studio": name}


def _surroundings(rng, strength):
    """One of Blender's studios, turned at random."""
    files = studio_lights()
    path = files[rng.integers(len(files))]
    world = bpy.data.worlds.new("surroundings")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    spot, mapping, picture, shine, end = (tree.nodes.new(f"ShaderNode{kind}") for kind in (
        "TexCoord", "Mapping", "TexEnvironment", "Background", "OutputWorld"))
    picture.image = bpy.data.images.load(str(path), check_existing=True)
    mapping.inputs["Rotation"].default_value = (0, 0, rng.uniform(0, 2 * math.pi))
    shine.inputs["Strength"].default_value = strength
    for source, sink in ((spot.outputs["Generated"], mapping.inputs[0]), (mapping.outputs[0], picture.inputs[0]),
                         (picture.outputs[0], shine.inputs[0]), (shine.outputs[0], end.inputs[0])):
        tree.links.new(source, sink)
    return path.stem


def _lamp(rng, target, azimuth, height, power, size):
    """A square lamp of ``power`` watts and ``size`` metres, warm or cold, that looks at the subject."""
    lamp = bpy.data.lights.new("lamp", "AREA")
    lamp.size, lamp.energy = size, power
    warm = rng.uniform(-0.2, 0.2)
    lamp.color = (1 + warm, 1, 1 - warm)
    item = link("lamp", lamp)
    way = np.array([math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)])
    item.location = target + way * rng.uniform(1.6, 3)
    item.rotation_euler = Vector((-way).tolist()).to_track_quat("-Z", "Y").to_euler()


def _sun(rng, ahead):
    """Hard light from somewhere above, at any side."""
    sun = bpy.data.lights.new("sun", "SUN")
    sun.angle, sun.energy = rng.uniform(0.005, 0.06), rng.uniform(1.5, 5)
    sun.color = (1, rng.uniform(0.82, 0.97), rng.uniform(0.62, 0.92))
    azimuth, height = ahead + rng.normal(0, 1.3), rng.uniform(0.25, 1.2)
    way = Vector((math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)))
    link("sun", sun).rotation_euler = (-way).to_track_quat("-Z", "Y").to_euler()
