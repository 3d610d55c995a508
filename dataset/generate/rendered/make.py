"""One subject from its job to its picture."""
import tempfile
import time

import numpy as np

from bgmatting.dataset.generate.rendered import develop
from bgmatting.dataset.generate.rendered.blender import render
from bgmatting.dataset.generate.rendered.blender.camera import View, add_camera, frame_all, frame_person
from bgmatting.dataset.generate.rendered.blender.light import add_light
from bgmatting.dataset.generate.rendered.blender.scene import clear
from bgmatting.dataset.generate.rendered.subjects.animal import add_animal
from bgmatting.dataset.generate.rendered.subjects.person import add_person
from bgmatting.dataset.generate.rendered.subjects.plant import add_plant
from bgmatting.dataset.generate.rendered.subjects.thing import add_thing


def build(job, data, frame=None, style=None, gesture=None):
    """Put the subject of ``job`` into an empty scene; returns its View and what was drawn."""
    clear()
    rng = job.rng("frame")
    if job.kind == "person":
        placed = add_person(job, data, style=style, gesture=gesture)
        view, frame = frame_person(rng, placed.points, placed.head, frame)
        return view, {**placed.about, "frame": frame}
    if job.kind == "pair":
        return _pair(job, data, rng)
    points, toward, about = {"animal": add_animal, "plant": add_plant, "thing": add_thing}[job.kind](job.rng("form"))
    return frame_all(rng, points, toward), about


def _pair(job, data, rng):
    """Two people beside each other, turned a little to one another."""
    apart = rng.uniform(0.4, 0.62)
    people = [add_person(job, data, part, (side * apart / 2, rng.normal(0, 0.08), 0), -side * rng.uniform(-0.1, 0.5))
              for part, side in (("first-", -1), ("second-", 1))]
    heads = np.stack([person.head.origin for person in people])
    points = np.concatenate([person.points for person in people])
    about = {"people": [person.about for person in people]}
    if rng.random() < 0.25:
        return frame_all(rng, points, (0, -1, 0)), {**about, "frame": "full"}
    middle = heads.mean(0)
    size = np.linalg.norm(heads[0] - heads[1]) + rng.uniform(0.45, 0.9)
    view = View(middle - np.array([0, 0, rng.uniform(0.1, 0.35) * size]), size, np.array([0, -1.0, 0]), middle)
    return view, {**about, "frame": "bust"}


def make(job, data, size, samples, alpha_samples, threads=0, **fixed):
    """Render ``job``; returns the picture, uint8 RGBA (size, size, 4), and what is to be said about it, a dict."""
    start = time.perf_counter()
    view, about = build(job, data, **fixed)
    about.update(add_light(job.rng("light"), view.target, view.toward))
    about.update(add_camera(job.rng("camera"), view))
    render.set_up(size, samples, threads, float(job.rng("filter").uniform(0.9, 1.5)))
    built = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rendered-") as folder:
        look = render.shoot_look(folder)
        cover = render.shoot_cover(folder, alpha_samples)
    rgba = develop.picture(job.rng("tone of the picture"), look, cover)
    about = {"kind": job.kind, "seed": job.seed, "index": job.index, "size": size, **develop.measure(rgba), **about}
    about["seconds"] = [round(built - start, 1), round(time.perf_counter() - built, 1)]
    return rgba, about
