"""Things that people put on or carry: glasses, hats, scarves, veils, bags, cups and phones."""
import numpy as np

from tools.starter.render.blender.material import Material, linear, plain
from tools.starter.render.blender.scene import add_mesh, add_tube
from tools.starter.render.wear.carried import add_backpack, add_carried, add_stool
from tools.starter.render.wear.drapes import add_scarf, add_veil
from tools.starter.render.wear.hats import HATS, add_hat

# Chance of each, women and men.
CHANCES = {"glasses": (0.16, 0.18), "sunglasses": (0.05, 0.05), "beanie": (0.05, 0.06), "cap": (0.02, 0.05),
           "straw": (0.05, 0.02), "scarf": (0.1, 0.06), "veil": (0.05, 0.0), "handbag": (0.1, 0.03),
           "backpack": (0.05, 0.06), "cup": (0.06, 0.06), "phone": (0.05, 0.05)}


def choose(rng, male, seated=False):
    """Names of the extras of one person; one hat at most, no veil over a hat, no bag in the hand of who sits."""
    found = [name for name, chances in CHANCES.items() if rng.random() < chances[int(male)]]
    if "sunglasses" in found and "glasses" in found:
        found.remove("glasses")
    for name in [name for name in found if name in (*HATS, "veil")][1:]:
        found.remove(name)
    return [name for name in found if not (seated and name == "handbag")]


def hat_line(extras, head):
    """Height above the eyes over which a hat hides the hair, or None."""
    heights = [HATS[name] for name in extras if name in HATS]
    return heights[0] * head.scale + 0.012 if heights else None


def add(rng, extras, skeleton, head, surface, seated):
    """Put the extras into the scene; returns their names."""
    done = []
    for name in extras:
        if name in ("glasses", "sunglasses"):
            _glasses(rng, head, name == "sunglasses")
        elif name in HATS:
            add_hat(rng, head, name)
        elif name == "scarf":
            add_scarf(rng, skeleton, head, surface)
        elif name == "veil":
            add_veil(rng, head, surface)
        elif name == "backpack":
            add_backpack(rng, skeleton, surface)
        else:
            add_carried(rng, skeleton, name)
        done.append(name)
    if seated:
        add_stool(rng, skeleton)
    return done


def _ring(centre, across, up, wide, high, square, steps=48):
    """A closed line (steps, 3) between an ellipse and a rounded rectangle."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    power = 2 / (2 + 3 * square)
    x, y = np.sign(cos) * np.abs(cos) ** power * wide, np.sign(sin) * np.abs(sin) ** power * high
    return centre + x[:, None] * across + y[:, None] * up


def _glasses(rng, head, dark):
    """A frame on nose and ears, and lenses: clear ones cover a little, by what they reflect."""
    scale, right, up = head.scale, np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    wide, high, square = rng.uniform(0.023, 0.028), rng.uniform(0.016, 0.024), rng.uniform(0, 1)
    thick = rng.uniform(0.0007, 0.0022)
    colour = rng.choice([(20, 18, 18), (60, 38, 26), (150, 130, 90), (120, 122, 126)])
    frame = plain("frame", colour, 0.3, Metallic=float(thick < 0.0012))
    lens = Material("lens")
    tint = rng.uniform(10, 70, 3) if dark else (235, 238, 240)
    gloss = lens.node("BsdfPrincipled", {"Base Color": linear(tint), "Roughness": 0.03})
    lens = lens.finish(gloss.outputs[0], solid=float(rng.uniform(0.75, 0.95) if dark else rng.uniform(0.03, 0.1)))
    ahead = -0.031 * scale
    for side in (-1, 1):
        centre = np.array([side * 0.0325 * scale, ahead, -0.002])
        ring = _ring(centre, right, up, wide * scale, high * scale, square)
        add_tube("frame", head.to_world(ring), thick, frame, closed=True)
        add_mesh("lens", head.to_world(ring), [list(range(len(ring)))], [lens])
        hinge = centre + right * side * wide * scale
        ear = np.array([side * (head.half_width + 0.004), head.centre[1] + 0.004, 0.004])
        end = ear + np.array([0, 0.03, -0.025])
        add_tube("temple", head.to_world(np.stack([hinge, hinge + [side * 0.004, 0.01, 0.002], ear, end])), thick, frame)
    inner = 0.0325 * scale - wide * scale
    bridge = np.array([[-inner, ahead, 0], [0, ahead - 0.004, 0.004], [inner, ahead, 0]])
    add_tube("bridge", head.to_world(bridge), thick, frame)
