"""Things that people carry or sit on: bags, cups, phones, a stool."""
import numpy as np

from tools.starter.render.blender import cloth
from tools.starter.render.blender.material import plain
from tools.starter.render.blender.scene import add_mesh, add_tube, grid_faces
from tools.starter.render.body.geometry import UP, unit


def _box(centre, axes, half, power=0.35, rings=14):
    """A rounded box: points and faces; ``axes`` rows are its directions, ``half`` (3,) its half sizes."""
    across, down = np.meshgrid(np.linspace(0, 2 * np.pi, 4 * rings, endpoint=False), np.linspace(0.02, np.pi - 0.02, rings))
    ball = np.stack([np.sin(down) * np.cos(across), np.sin(down) * np.sin(across), np.cos(down)], -1).reshape(-1, 3)
    ball = np.sign(ball) * np.abs(ball) ** power
    return centre + (ball * half) @ axes, grid_faces(rings, 4 * rings, closed=True)


def add_backpack(rng, skeleton, surface):
    """A rounded bag on the back and straps over the shoulders."""
    world, places = skeleton.solve()
    chest = skeleton.index("spine01")
    side, back, up = world[chest] @ [1, 0, 0], world[chest] @ [0, 1, 0], world[chest] @ UP
    shoulders = [places[skeleton.index(f"upperarm01.{name}")] for name in "LR"]
    middle = (shoulders[0] + shoulders[1]) / 2
    fabric = cloth.cloth(rng)
    half = np.array([rng.uniform(0.13, 0.17), rng.uniform(0.06, 0.1), rng.uniform(0.18, 0.24)])
    centre = middle + back * (0.13 + half[1]) - up * 0.16
    points, faces = _box(centre, np.stack([side, back, up]), half, 0.5)
    add_mesh("backpack", points, faces, [fabric], subdivide=1)
    for shoulder in shoulders:
        base = middle + (shoulder - middle) * 0.55
        line = np.stack([base + back * 0.14 + up * 0.02, base + up * 0.075 + back * 0.03, base + up * 0.06 - back * 0.07,
                         base - back * 0.125 - up * 0.08, base - back * 0.1 - up * 0.22, base + back * 0.06 - up * 0.34])
        add_tube("strap", surface.push(_smooth(line), 0.012, near=0.12), 0.014, fabric)


def _smooth(line, steps=40):
    """A line (K, 3) resampled to ``steps`` points through a smooth curve."""
    place = np.linspace(0, len(line) - 1, steps)
    dense = np.stack([np.interp(place, np.arange(len(line)), line[:, axis]) for axis in range(3)], 1)
    for _ in range(6):
        dense[1:-1] = 0.25 * dense[:-2] + 0.5 * dense[1:-1] + 0.25 * dense[2:]
    return dense


def add_carried(rng, skeleton, name):
    """A handbag, cup or phone at one hand."""
    world, places = skeleton.solve()
    hand = str(rng.choice(["L", "R"]))
    wrist, knuckle = places[skeleton.index(f"wrist.{hand}")], places[skeleton.index(f"finger3-1.{hand}")]
    tip = places[skeleton.index(f"finger3-2.{hand}")]
    along = unit(knuckle - wrist)
    palm = unit(np.cross(places[skeleton.index(f"finger5-1.{hand}")] - places[skeleton.index(f"finger2-1.{hand}")], along))
    palm = palm * (1 if hand == "L" else -1)
    if name == "handbag":
        return _handbag(rng, tip)
    centre = (knuckle + tip) / 2 + palm * 0.03
    side = np.cross(along, palm)
    if name == "phone":
        points, faces = _box(centre, np.stack([along, side, palm]), np.array([0.075, 0.037, 0.005]), 0.3)
        shade = rng.choice([(14, 14, 16), (200, 200, 204), (70, 40, 60)])
        return add_mesh("phone", points, faces, [plain("phone", shade, 0.2)])
    # the outline of a paper cup with a lid: radius by height
    profile = np.array([(0.0, -0.055), (0.027, -0.055), (0.037, 0.048), (0.04, 0.05), (0.04, 0.058), (0.033, 0.062),
                        (0.0, 0.062)])
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([np.outer(profile[:, 0], np.cos(angle)), np.outer(profile[:, 0], np.sin(angle)),
                       np.repeat(profile[:, 1:], 40, 1)], -1).reshape(-1, 3) + centre + UP * 0.015
    paper = plain("cup", cloth.draw_colour(rng, 0.3), 0.4)
    return add_mesh("cup", points, grid_faces(len(profile), 40, closed=True), [paper])


def _handbag(rng, grip):
    """A bag that hangs from a hand by two handles, which leave a hole."""
    half = np.array([rng.uniform(0.1, 0.18), rng.uniform(0.03, 0.06), rng.uniform(0.08, 0.14)])
    drop = rng.uniform(0.08, 0.16)
    turned = rng.uniform(0, np.pi)
    side, deep = np.array([np.cos(turned), np.sin(turned), 0]), np.array([-np.sin(turned), np.cos(turned), 0])
    centre = grip - UP * (drop + half[2])
    material = cloth.leather(rng)
    points, faces = _box(centre, np.stack([side, deep, UP]), half)
    add_mesh("handbag", points, faces, [material], subdivide=1)
    for face in (-1, 1):
        base = centre + UP * half[2] * 0.85 + deep * face * half[1] * 0.7
        line = base - side * 0.6 * half[0], base + side * 0.6 * half[0]
        add_tube("handle", _smooth(np.stack([line[0], line[0] * 0.5 + grip * 0.5 - side * 0.03, grip,
                                             line[1] * 0.5 + grip * 0.5 + side * 0.03, line[1]])), 0.0045, material)


def add_stool(rng, skeleton):
    """A stool under someone who sits."""
    _, places = skeleton.solve()
    hips, knees = ((places[skeleton.index(f"{bone}.L")] + places[skeleton.index(f"{bone}.R")]) / 2
                   for bone in ("upperleg01", "lowerleg01"))
    seat = hips + unit((knees - hips) * [1, 1, 0]) * 0.07 - UP * 0.12
    floor = min(places[skeleton.index(f"foot.{side}")][2] for side in "LR") - 0.08
    material = plain("stool", cloth.draw_colour(rng), 0.5)
    points, faces = _box(seat - UP * 0.02, np.eye(3), np.array([0.19, 0.19, 0.02]), 0.5)
    add_mesh("seat", points, faces, [material])
    for angle in np.pi / 4 + np.arange(4) * np.pi / 2:
        way = np.array([np.cos(angle), np.sin(angle), 0])
        add_tube("leg", np.stack([seat + way * 0.13, np.append((seat + way * 0.22)[:2], floor)]), 0.013, material)
