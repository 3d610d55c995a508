"""Sweaters and coats over the clothes, cut from the body data's own tights; some of wool or fur that stands off."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender import skin
from bgmatting.dataset.generate.rendered.blender.cloth import cloth, draw_colour
from bgmatting.dataset.generate.rendered.blender.scene import add_mesh, add_strands
from bgmatting.dataset.generate.rendered.body.geometry import UP, normals, scatter, triangles, unit
from bgmatting.dataset.generate.rendered.hair.strands import Growth, finish
from bgmatting.dataset.generate.rendered.wear.garments import Worn, loosened

TRUNK = ("spine", "clavicle", "shoulder", "breast", "pelvis", "root", "upperleg")
SLEEVES = {"none": (), "short": ("upperarm01",), "half": ("upperarm",), "long": ("upperarm", "lowerarm")}
FUZZ = {"smooth": 0.55, "wool": 0.3, "fur": 0.15}


def _carried_by(data, stems):
    """Weight (V,) of each point on the bones whose names begin with one of ``stems``."""
    chosen = [any(name.startswith(stem) for stem in stems) for name in data.names]
    return data.weights[:, np.array(chosen)].sum(1)


def _cut(rng, data, rest, sleeve):
    """Faces of the tights that a top with this sleeve keeps: trunk down to a hem, and arms."""
    faces, _ = data.faces("helper-tights")
    keep = _carried_by(data, TRUNK + SLEEVES[sleeve]) > 0.5
    hips = rest[data.joints["joint-l-upper-leg"]].mean(0)[2]
    keep &= rest[:, 2] > hips - rng.choice([-0.06, 0.0, 0.08, 0.3], p=[0.25, 0.4, 0.25, 0.1])
    return [face for face in faces if keep[face].all()]


def _fibres(rng, points, tris, colour, long):
    """Fibres (S, 8, 3) that stand off the cloth, ``long`` metres; and their material."""
    spots, chosen, _ = scatter(rng, points, tris, 34000 if long > 0.012 else 26000)
    out = unit(normals(points, tris)[tris[chosen]].mean(1))
    lean = unit(out + (rng.normal(0, 0.8, out.shape) if long < 0.012 else rng.normal(0, 0.25, out.shape) - UP * 0.9))
    step = np.linspace(0, 1, 8)[None, :, None]
    length = long * np.exp(rng.normal(0, 0.35, (len(spots), 1, 1)))
    strands = spots[:, None] + (out[:, None] * (1 - 0.5 * step) + lean[:, None] * step) * step * length
    growth = Growth(length=long, noise=0.2 * long, stray=0.04)
    material = skin.hair(rng, (0.5, 0.5, colour), "fibre")
    return finish(rng, strands, growth), material


def wear_top(rng, data, rest, skeleton):
    """A top over what is worn already; returns it as Worn, and its name."""
    sleeve = str(rng.choice(list(SLEEVES), p=[0.06, 0.08, 0.1, 0.76]))
    faces = _cut(rng, data, rest, sleeve)
    tris = triangles(faces)
    away = rng.uniform(0.022, 0.032)
    points = rest + normals(rest, tris) * away
    used = np.unique(tris)
    place = np.zeros(len(rest), int)
    place[used] = np.arange(len(used))
    points[used] = loosened(rng, points[used], place[tris], 0.025)
    posed = skeleton.skin(points, data.weights)
    fuzz = str(rng.choice(list(FUZZ), p=list(FUZZ.values())))
    colour = draw_colour(rng)
    add_mesh("top", posed, faces, [cloth(rng, colour)], thickness=0.003, subdivide=1)
    if fuzz != "smooth":
        long = rng.uniform(0.003, 0.008) if fuzz == "wool" else rng.uniform(0.015, 0.035)
        strands, material = _fibres(rng, posed, tris, colour, long)
        add_strands("fibre", strands, 0.00006 if fuzz == "wool" else 0.00009, material)
    return Worn(posed[used], normals(posed, tris)[used], set()), f"{sleeve}-sleeved {fuzz} top"
