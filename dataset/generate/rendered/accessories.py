"""What people put on or carry: glasses, hats, scarves, veils, bags, cups and phones."""
import numpy as np

from dataset.generate.rendered import cloth
from dataset.generate.rendered.geometry import UP, Waves, unit
from dataset.generate.rendered.material import Material, linear, plain
from dataset.generate.rendered.scene import add_mesh, add_strands, add_tube, grid_faces
from dataset.generate.rendered.strands import Growth, grow_guides

# Chance of each, women and men.
CHANCES = {"glasses": (0.16, 0.18), "sunglasses": (0.05, 0.05), "beanie": (0.05, 0.06), "cap": (0.02, 0.05),
           "straw": (0.05, 0.02), "scarf": (0.1, 0.06), "veil": (0.05, 0.0), "handbag": (0.1, 0.03), "backpack": (0.05, 0.06),
           "cup": (0.06, 0.06), "phone": (0.05, 0.05)}
HATS = {"beanie": 0.042, "cap": 0.05, "straw": 0.05}  # height of the band above the eyes, for a head of usual size


def choose(rng, male):
    """Names of the extras of one person; one hat at most, and no veil over a hat."""
    found = [name for name, chances in CHANCES.items() if rng.random() < chances[int(male)]]
    if "sunglasses" in found and "glasses" in found:
        found.remove("glasses")
    for name in [name for name in found if name in (*HATS, "veil")][1:]:
        found.remove(name)
    return found


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
            _hat(rng, head, name)
        elif name == "scarf":
            _scarf(rng, skeleton, head, surface)
        elif name == "veil":
            _veil(rng, head, surface)
        elif name == "backpack":
            _backpack(rng, skeleton)
        else:
            _carried(rng, skeleton, name)
        done.append(name)
    if seated:
        _stool(rng, skeleton)
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
    frame = plain("frame", rng.choice([(20, 18, 18), (60, 38, 26), (150, 130, 90), (120, 122, 126)]), 0.3, Metallic=float(thick < 0.0012))
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
    bridge = np.array([[-0.0325 * scale + wide * scale, ahead, 0], [0, ahead - 0.004, 0.004], [0.0325 * scale - wide * scale, ahead, 0]])
    add_tube("bridge", head.to_world(bridge), thick, frame)


def _hat(rng, head, kind):
    """A knitted hat, a cap or a straw hat, turned about the head's own axis."""
    size = np.array([head.half_width + 0.012, 0.108 * head.scale, head.top - 0.012])
    base = HATS[kind] * head.scale
    rows, columns = 18, 72
    share, angle = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij")
    tall = rng.uniform(0.02, 0.05) if kind == "beanie" else rng.uniform(0.005, 0.03)
    height = base - 0.01 + (size[2] + tall - base) * np.sin(share * np.pi / 2)
    bulge = np.cos(share * np.pi / 2) ** (0.6 if kind != "straw" else 0.35)
    rib = 1 + (0.012 * np.sin(36 * angle) if kind == "beanie" else 0) + 0.03 * (kind == "beanie") * (1 - share)
    points = np.stack([np.cos(angle) * size[0] * bulge * rib, head.centre[1] + np.sin(angle) * size[1] * bulge * rib, height], -1)
    points = points.reshape(-1, 3)
    points += 0.003 * Waves(rng, 0.05)(points)[:, None] * unit(points - head.centre)
    fabric = cloth.cloth(rng) if kind != "straw" else _straw(rng)
    tilt = rng.normal(0, 0.08)
    lean = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])

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
    points = np.stack([np.cos(angle) * (size[0] * 0.99 + share * wide), head.centre[1] + np.sin(angle) * (size[1] * 0.99 + share * wide),
                       base - 0.004 - drop * share ** 2 + wave * share * (kind == "straw")], -1)
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


def _scarf(rng, skeleton, head, surface):
    """A band wound around the neck, with a hanging end whose fringe is strands."""
    _, places = skeleton.solve()
    neck = places[skeleton.index("neck01")]
    ahead = head.forward
    side = np.cross(ahead, UP)
    turns, steps, rows = rng.uniform(1.3, 2.2), 90, 14
    angle = np.linspace(0, 2 * np.pi * turns, steps) + rng.uniform(0, 6)
    radius = rng.uniform(0.082, 0.105) + 0.01 * np.sin(2 * angle)
    height = 0.02 * np.sin(angle * 0.7 + 1) + np.linspace(-0.012, 0.012, steps)
    line = neck + (side * np.cos(angle)[:, None] + ahead * np.sin(angle)[:, None]) * radius[:, None] + UP * height[:, None] + ahead * 0.02
    outwards = unit((line - neck) * [1, 1, 0])
    section = np.linspace(0, 2 * np.pi, rows, endpoint=False)
    thick, tall = rng.uniform(0.014, 0.024), rng.uniform(0.03, 0.05)
    points = line[:, None] + outwards[:, None] * (np.cos(section) * thick)[None, :, None] + UP * (np.sin(section) * tall)[None, :, None]
    points = points.reshape(-1, 3)
    points += unit(points - neck) * 0.006 * np.abs(Waves(rng, 0.035)(points))[:, None]
    fabric = cloth.cloth(rng)
    add_mesh("scarf", points, grid_faces(steps, rows, closed=True), [fabric], subdivide=1)
    if rng.random() < 0.7:
        _scarf_end(rng, neck + ahead * (radius.mean() + 0.02) + side * rng.uniform(-0.05, 0.05), side, ahead, surface, fabric)


def _scarf_end(rng, start, side, ahead, surface, fabric):
    """The hanging end: a strip that follows the chest, and its fringe."""
    steps, columns, length, wide = 24, 12, rng.uniform(0.2, 0.5), rng.uniform(0.07, 0.14)
    across = np.linspace(-0.5, 0.5, columns)
    row = start + side * (across * wide)[:, None]
    row = row + ahead * (0.008 * np.sin(across * 14 + rng.uniform(0, 6)))[:, None]
    rows = [row]
    drift = side * rng.normal(0, 0.15)
    for _ in range(steps - 1):
        row = surface.push(row + unit(-UP + drift) * length / steps, 0.012)
        rows.append(row)
    points = np.stack(rows)
    add_mesh("scarf end", points.reshape(-1, 3), grid_faces(steps, columns), [fabric], subdivide=1, thickness=0.004)
    count, long = int(rng.integers(60, 200)), rng.uniform(0.03, 0.08)
    place = rng.uniform(0, columns - 1.001, count)
    low, share = place.astype(int), (place % 1)[:, None]
    roots = points[-1][low] * (1 - share) + points[-1][low + 1] * share
    drop = np.linspace(0, 1, 8)[None, :, None]
    swing = rng.normal(0, 0.25, (count, 1, 3)) * drop
    fringe = roots[:, None] + (-UP + swing) * drop * long * rng.uniform(0.8, 1.1, (count, 1, 1))
    add_strands("fringe", fringe, 0.0007, fabric)


def _veil(rng, head, surface):
    """Thin or lacy cloth from the crown over head and shoulders: combed like hair, joined to a sheet."""
    columns = 90
    angle = np.linspace(-0.8 * np.pi, 0.8 * np.pi, columns) + np.pi / 2  # open before the face
    crown = head.centre + np.array([0, 0.01, 0])
    local = crown + np.stack([np.cos(angle) * 0.03, np.sin(angle) * 0.03, np.full(columns, head.top - crown[2] + 0.012)], 1)
    roots = head.to_world(local)
    way = np.stack([np.cos(angle), np.sin(angle), np.full(columns, -0.1)], 1) @ head.axes.T
    growth = Growth(length=rng.uniform(0.35, 0.8), spread=0.0, steps=40, lift=0.1, comb=0.9, gravity=0.3, gap=0.03, wander=0.0)
    sheet = grow_guides(rng, roots, np.broadcast_to(head.axes[:, 2], roots.shape), way, growth, head, surface).swapaxes(0, 1)
    fold = 0.012 * np.sin(np.linspace(0, 2 * np.pi * rng.integers(8, 16), columns))[None, :, None]
    out = unit((sheet - head.to_world(head.centre)) * [1, 1, 0])
    sheet = sheet + out * fold * np.linspace(0, 1, 40)[:, None, None]
    kind = str(rng.choice(["tulle", "lace"]))
    add_mesh("veil", sheet.reshape(-1, 3), grid_faces(40, columns), [cloth.holed(rng, kind)], subdivide=1)


def _box(centre, axes, half, power=0.35, rings=14):
    """A rounded box: points and faces; ``axes`` rows are its directions, ``half`` (3,) its half sizes."""
    across, down = np.meshgrid(np.linspace(0, 2 * np.pi, 4 * rings, endpoint=False), np.linspace(0.02, np.pi - 0.02, rings))
    ball = np.stack([np.sin(down) * np.cos(across), np.sin(down) * np.sin(across), np.cos(down)], -1).reshape(-1, 3)
    ball = np.sign(ball) * np.abs(ball) ** power
    return centre + (ball * half) @ axes, grid_faces(rings, 4 * rings, closed=True)


def _backpack(rng, skeleton):
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
        add_tube("strap", _smooth(line), 0.014, fabric)


def _smooth(line, steps=40):
    """A line (K, 3) resampled to ``steps`` points through a smooth curve."""
    place = np.linspace(0, len(line) - 1, steps)
    dense = np.stack([np.interp(place, np.arange(len(line)), line[:, axis]) for axis in range(3)], 1)
    for _ in range(6):
        dense[1:-1] = 0.25 * dense[:-2] + 0.5 * dense[1:-1] + 0.25 * dense[2:]
    return dense


def _carried(rng, skeleton, name):
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
        return add_mesh("phone", points, faces, [plain("phone", rng.choice([(14, 14, 16), (200, 200, 204), (70, 40, 60)]), 0.2)])
    points, faces = _box(centre + UP * 0.02, np.eye(3), np.array([0.036, 0.036, 0.055]), 0.6)
    return add_mesh("cup", points, faces, [plain("cup", cloth.draw_colour(rng, 0.3), 0.3)], subdivide=1)


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
        line = np.stack([centre + side * 0.6 * half[0] * s + UP * half[2] * 0.85 + deep * face * half[1] * 0.7 for s in (-1, 1)])
        add_tube("handle", _smooth(np.stack([line[0], line[0] * 0.5 + grip * 0.5 - side * 0.03, grip,
                                             line[1] * 0.5 + grip * 0.5 + side * 0.03, line[1]])), 0.0045, material)


def _stool(rng, skeleton):
    """A stool under someone who sits."""
    _, places = skeleton.solve()
    seat = places[skeleton.index("pelvis.L")] * 0.5 + places[skeleton.index("pelvis.R")] * 0.5 - UP * 0.13
    floor = min(places[skeleton.index(f"foot.{side}")][2] for side in "LR") - 0.08
    material = plain("stool", cloth.draw_colour(rng), 0.5)
    points, faces = _box(seat - UP * 0.02, np.eye(3), np.array([0.19, 0.19, 0.02]), 0.5)
    add_mesh("seat", points, faces, [material])
    for angle in np.pi / 4 + np.arange(4) * np.pi / 2:
        way = np.array([np.cos(angle), np.sin(angle), 0])
        add_tube("leg", np.stack([seat + way * 0.13, np.append((seat + way * 0.22)[:2], floor)]), 0.013, material)
