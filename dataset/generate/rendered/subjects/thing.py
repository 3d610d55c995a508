"""Things with holes and thin parts: bicycles, nets, baskets, fences, chairs, lamps of wire, fringed cloth."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender import cloth
from bgmatting.dataset.generate.rendered.blender.material import plain
from bgmatting.dataset.generate.rendered.blender.scene import add_ball, add_mesh, add_strands, add_tube, grid_faces
from bgmatting.dataset.generate.rendered.body.geometry import UP, Waves

CIRCLE = np.linspace(0, 2 * np.pi, 72, endpoint=False)


def _ring(centre, radius, first, second):
    """A circle (72, 3) in the plane of two directions."""
    return centre + radius * (np.cos(CIRCLE)[:, None] * np.asarray(first) + np.sin(CIRCLE)[:, None] * np.asarray(second))


def _wheel(rng, hub, radius, tyre, metal):
    """A spoked wheel in the x-z plane."""
    x, z = np.array([1.0, 0, 0]), UP
    add_tube("tyre", _ring(hub, radius, x, z), rng.uniform(0.01, 0.024), tyre, closed=True)
    add_tube("rim", _ring(hub, radius * 0.93, x, z), 0.008, metal, closed=True)
    count = int(rng.choice([20, 24, 32, 36]))
    for number in range(count):
        angle = 2 * np.pi * number / count
        start = hub + np.array([0.02 * np.cos(angle + 0.9), 0.03 * (-1) ** number, 0.02 * np.sin(angle + 0.9)])
        end = hub + radius * 0.92 * np.array([np.cos(angle), 0, np.sin(angle)])
        add_tube("spoke", np.stack([start, end]), 0.0011, metal)
    return _ring(hub, radius * 1.05, x, z)


def _bicycle(rng):
    """Two wheels, a frame of tubes, handlebar, saddle, chain ring, sometimes a basket."""
    paint = plain("paint", cloth.draw_colour(rng, 0.5), 0.25, Metallic=0.5)
    tyre, metal = plain("tyre", (20, 20, 20), 0.7), plain("metal", (168, 168, 172), 0.22, Metallic=1.0)
    half, radius = rng.uniform(0.48, 0.56), rng.uniform(0.29, 0.35)
    rear, front = np.array([-half, 0, radius]), np.array([half, 0, radius])
    points = [_wheel(rng, hub, radius, tyre, metal) for hub in (rear, front)]
    crank, seat = np.array([-0.08, 0, radius - 0.04]), np.array([-0.2, 0, rng.uniform(0.75, 0.88)])
    head, fork = np.array([half - 0.17, 0, rng.uniform(0.76, 0.84)]), np.array([half - 0.12, 0, 0.66])
    top = head if rng.random() < 0.7 else fork + [0.0, 0, -0.02]  # a low step
    for first, last in ((crank, seat), (crank, fork), (seat * 0.92 + crank * 0.08, top), (head, fork)):
        add_tube("frame", np.stack([first, last]), 0.016, paint)
    for side in (-0.045, 0.045):
        aside = np.array([0, side, 0])
        for first, last in ((crank, rear), (seat * 0.9 + crank * 0.1, rear), (fork, front)):
            add_tube("stay", np.stack([first + aside * 0.4, last + aside]), 0.008, paint)
    grip = head + np.array([-0.02, 0, 0.15])
    add_tube("stem", np.stack([head, grip]), 0.013, metal)
    bar = grip + np.array([[-0.08, -0.27, 0.0], [0.0, -0.22, 0.01], [0.02, 0, 0], [0.0, 0.22, 0.01], [-0.08, 0.27, 0.0]])
    add_tube("bar", bar, 0.012, tyre)
    post = seat + np.array([-0.03, 0, 0.12])
    add_tube("post", np.stack([seat, post]), 0.013, metal)
    add_ball("saddle", post + [-0.02, 0, 0.03], (0.14, 0.07, 0.03), tyre)
    add_tube("ring", _ring(crank + [0, 0.05, 0], 0.09, (1, 0, 0), UP), 0.005, metal, closed=True)
    add_tube("crank", np.stack([crank + [0, 0.06, 0], crank + [0.1, 0.07, -0.14]]), 0.008, metal)
    if rng.random() < 0.4:
        _weave(rng, grip + [0.16, 0, -0.16], 0.13, 0.16, 0.2)
    return np.concatenate([*points, bar, post[None] + [0, 0, 0.06]])


def _weave(rng, base, low, high, tall):
    """A basket of thin rods around ``base`` (3,); radius ``low`` at its foot, ``high`` at its rim. Returns its points."""
    rods, rows, thick = int(rng.integers(20, 44)), int(rng.integers(8, 22)), rng.uniform(0.0015, 0.004)
    material = plain("rod", rng.uniform((110, 80, 44), (200, 168, 120)), 0.6)
    share = np.linspace(0, 1, 20)
    swell = rng.uniform(0, 0.25) * np.sin(np.pi * share)
    found = []
    for angle in np.linspace(0, 2 * np.pi, rods, endpoint=False):
        radius = (low + (high - low) * share) * (1 + swell)
        add_tube("rod", base + np.stack([radius * np.cos(angle), radius * np.sin(angle), share * tall], 1), thick, material)
    phase = np.arange(rods * 4) * 2 * np.pi / (rods * 4)
    for number, level in enumerate(np.linspace(0.03, 1, rows)):
        radius = (low + (high - low) * level) * (1 + np.interp(level, share, swell))
        radius = radius + thick * 1.3 * np.sin(phase * rods / 2 * (1 if rods % 2 == 0 else 2) + np.pi * number)
        ring = base + np.stack([radius * np.cos(phase), radius * np.sin(phase), np.full(len(phase), level * tall)], 1)
        add_tube("row", ring, thick, material, closed=True)
        found.append(ring)
    add_tube("rim", found[-1], thick * 2.2, material, closed=True)
    return np.concatenate(found)


def _basket(rng):
    """A basket with a handle."""
    high, tall = rng.uniform(0.14, 0.2), rng.uniform(0.12, 0.28)
    points = _weave(rng, np.zeros(3), high * rng.uniform(0.6, 0.95), high, tall)
    angle = np.linspace(0, np.pi, 30)
    handle = np.stack([high * np.cos(angle), 0 * angle, tall + rng.uniform(0.6, 1.3) * high * np.sin(angle)], 1)
    add_tube("handle", handle, 0.006, plain("handle", (132, 96, 56), 0.6))
    return np.concatenate([points, handle])


def _net(rng):
    """A net of cords, square or with slanted meshes, bulging."""
    count, steps = int(rng.integers(8, 24)), 90
    material, thick = plain("cord", cloth.draw_colour(rng, 0.3), 0.7), rng.uniform(0.0012, 0.004)
    bulge, push = Waves(rng, 0.9), Waves(rng, 0.6)
    slant = rng.random() < 0.5
    along = np.linspace(-0.5, 0.5, steps)
    found = []
    for offset in np.linspace(-0.5, 0.5, count):
        for lines in (np.stack([np.full(steps, offset), along], 1), np.stack([along, np.full(steps, offset)], 1)):
            flat = lines @ (np.array([[1, 1], [-1, 1]]) * 0.7 if slant else np.eye(2))
            points = np.stack([flat[:, 0], 0 * along, flat[:, 1]], 1)
            points = points + bulge(points)[:, None] * (0, 0.08, 0) + push(points)[:, None] * (0.02, 0, 0.012)
            add_tube("cord", points, thick, material)
            found.append(points)
    return np.concatenate(found)


def _fence(rng):
    """A railing, or wire mesh between posts."""
    material, found = plain("iron", cloth.draw_colour(rng), 0.45, Metallic=float(rng.choice([0, 0.8]))), []
    wide, tall = 1.2, rng.uniform(0.8, 1.2)
    for level in (0.08, tall - 0.08):
        line = np.array([[-wide / 2, 0, level], [wide / 2, 0, level]])
        add_tube("rail", line, 0.014, material)
        found.append(line)
    for x in np.linspace(-wide / 2, wide / 2, rng.integers(7, 22)):
        line = np.array([[x, 0, 0], [x, 0, tall]])
        add_tube("bar", line, rng.uniform(0.005, 0.009), material)
        add_ball("knob", line[1], 0.014, material, rings=8)
        found.append(line)
        if rng.random() < 0.3:
            add_tube("curl", _ring(np.array([x + 0.03, 0, tall * 0.5]), 0.025, (1, 0, 0), UP), 0.004, material, closed=True)
    return np.concatenate(found)


def _chair(rng):
    """A chair of tubes with a back of rods and a seat of woven straps."""
    wood = plain("wood", rng.uniform((60, 40, 26), (190, 150, 100)), 0.5)
    wide, deep, seat, back = rng.uniform(0.2, 0.25), rng.uniform(0.2, 0.24), 0.45, rng.uniform(0.85, 1.05)
    found = []
    for x in (-wide, wide):
        for y, top in ((-deep, seat), (deep, back)):
            line = np.array([[x * 1.1, y * 1.15, 0], [x, y, seat], [x * 1.02, y * (1.2 if top > seat else 1), top]])
            add_tube("leg", line, 0.017, wood)
            found.append(line)
    for level, y in ((0.2, -deep), (0.25, deep), (back - 0.03, deep * 1.19), (seat + 0.12, deep * 1.04)):
        add_tube("bar", np.array([[-wide, y, level], [wide, y, level]]), 0.013, wood)
    for x in np.linspace(-wide * 0.8, wide * 0.8, rng.integers(4, 9)):
        add_tube("rod", np.array([[x, deep * 1.04, seat + 0.12], [x, deep * 1.19, back - 0.03]]), 0.007, wood)
    strap = plain("strap", cloth.draw_colour(rng), 0.7)
    for share in np.linspace(-0.95, 0.95, rng.integers(7, 16)):
        add_tube("strap", np.array([[-wide, share * deep, seat], [wide, share * deep, seat]]), 0.006, strap)
        add_tube("strap", np.array([[share * wide, -deep, seat + 0.006], [share * wide, deep, seat + 0.006]]), 0.006, strap)
    return np.concatenate(found)


def _fringed(rng):
    """A hanging cloth, lacy or knitted or plain, with a fringe at its lower edge."""
    rows, columns, wide, tall = 60, 80, rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9)
    x, z = np.meshgrid(np.linspace(-wide / 2, wide / 2, columns), np.linspace(0, -tall, rows))
    depth = rng.uniform(0.015, 0.05) * np.sin(x * rng.uniform(14, 40) + rng.uniform(0, 6)) * (0.3 - z)
    points = np.stack([x * (1 + 0.1 * z), depth, z], -1)
    points = points + 0.012 * Waves(rng, 0.25)(points)[..., None] * np.array([0.6, 1, 0.6])
    kind = str(rng.choice(["lace", "knit", "tulle", "plain"]))
    fabric = cloth.cloth(rng) if kind == "plain" else cloth.holed(rng, kind)
    add_mesh("cloth", points.reshape(-1, 3), grid_faces(rows, columns), [fabric], subdivide=1)
    count = int(rng.integers(200, 1500))
    place = rng.uniform(0, columns - 1.001, count)
    low, share = place.astype(int), (place % 1)[:, None]
    roots = points[-1][low] * (1 - share) + points[-1][low + 1] * share
    step = np.linspace(0, 1, 10)[None, :, None]
    swing = rng.normal(0, 0.15, (count, 1, 3)) * step
    length = rng.uniform(0.05, 0.14) * rng.uniform(0.85, 1.05, (count, 1, 1))
    threads = roots[:, None] + (-UP + swing) * step * length
    add_strands("fringe", threads, rng.uniform(0.0004, 0.001), cloth.cloth(rng))
    return np.concatenate([points.reshape(-1, 3), threads.reshape(-1, 3)])


FORMS = {"bicycle": (_bicycle, 0.22), "net": (_net, 0.18), "basket": (_basket, 0.16), "fence": (_fence, 0.12),
         "chair": (_chair, 0.14), "fringed": (_fringed, 0.18)}


def add_thing(rng):
    """A thing in the scene: its points (V, 3), the side it shows (3,), and what it is, a dict."""
    form = str(rng.choice(list(FORMS), p=[share for _, share in FORMS.values()]))
    points = FORMS[form][0](rng)
    turn = rng.normal(0, 0.5)
    return points, np.array([np.sin(turn), -np.cos(turn), 0]), {"form": form}
