"""A whole person in the scene: body, eyes, clothes, hair and what they wear or carry."""
import dataclasses

import numpy as np

from bgmatting.dataset.generate.rendered.blender import skin
from bgmatting.dataset.generate.rendered.blender.scene import add_ball, add_mesh, add_strands
from bgmatting.dataset.generate.rendered.body.body import BODY_POINTS
from bgmatting.dataset.generate.rendered.body.geometry import turn, unit
from bgmatting.dataset.generate.rendered.body.pose import apply_pose, draw_pose
from bgmatting.dataset.generate.rendered.body.rig import Skeleton
from bgmatting.dataset.generate.rendered.body.traits import draw_traits
from bgmatting.dataset.generate.rendered.hair import facehair
from bgmatting.dataset.generate.rendered.hair.hairstyle import TIED, draw_haircut, make_hair
from bgmatting.dataset.generate.rendered.hair.scalp import Head
from bgmatting.dataset.generate.rendered.wear import accessories, garments, knitwear


@dataclasses.dataclass
class Placed:
    """Where a person stands in the scene: body points (P, 3), the Head, the Skeleton, and what was drawn."""

    points: np.ndarray
    head: Head
    skeleton: Skeleton
    about: dict


def add_person(job, data, part="", where=(0, 0, 0), yaw=0.0, style=None, gesture=None):
    """Build one person; ``part`` names their random draws apart from another's in the same picture.

    ``where`` (3,) metres and ``yaw`` radians move them in the scene; ``style`` and ``gesture`` fix hair and hands.
    """
    def rng(name):
        return job.rng(part + name)

    traits = draw_traits(rng("traits"))
    rest = data.shape(rng("shape"), traits)
    skeleton = Skeleton(data, rest)
    seated = bool(rng("seat").random() < 0.1)
    pose = draw_pose(rng("pose"), data.assets, seated, gesture)
    apply_pose(rng("bend"), skeleton, pose)
    skeleton.rotate("root", turn("Z", yaw))
    skeleton.root = np.asarray(where, float)
    posed = skeleton.skin(rest, data.weights)
    worn, clothes = _dress(rng("clothes"), data, rest, skeleton, traits.male)
    hidden = set().union(*(garment.hidden for garment in worn))
    tone = skin.skin_tone(rng("tone"), traits)
    _add_body(rng, data, rest, posed, hidden, tone)
    head = Head(data, rest, posed, skeleton)
    surface = head.surface([(garment.points, garment.normals) for garment in worn])
    about = {"male": traits.male, "age": round(traits.age, 2), "tone": [int(value) for value in tone], "clothes": clothes,
             "hands": pose.gestures, "seated": seated}
    extras = accessories.choose(rng("extras"), traits.male, seated)
    about.update(_add_hair(rng, data, rest, skeleton, head, surface, traits, style, extras))
    about["extras"] = accessories.add(rng("carry"), extras, skeleton, head, surface, seated)
    return Placed(posed[:BODY_POINTS], head, skeleton, about)


def _dress(rng, data, rest, skeleton, male):
    """Clothes in the scene, as a list of Worn, and their names."""
    folders = garments.choose_clothes(rng, data.assets, male)
    worn = [garments.wear(rng, folder, rest, data.weights, skeleton) for folder in folders]
    names = [folder.name for folder in folders]
    if not male and rng.random() < 0.22:
        worn.append(garments.wear_skirt(rng, data, rest, skeleton))
        names.append("skirt")
    if rng.random() < 0.3:
        top, name = knitwear.wear_top(rng, data, rest, skeleton)
        worn.append(top)
        names.append(name)
    return worn, names


def _add_body(rng, data, rest, posed, hidden, tone):
    """Skin, eyes, teeth, tongue."""
    faces, uv_faces = data.faces("body")
    seen = [not all(point in hidden for point in face) for face in faces]
    add_mesh("body", posed, [face for face, good in zip(faces, seen) if good], [skin.skin(rng("skin"), data.assets, tone)],
             uv=data.mesh.uv, uv_faces=[face for face, good in zip(uv_faces, seen) if good], subdivide=1)
    draw = rng("gaze")
    sight = unit(np.array([draw.normal(0, 0.12), -1.0, draw.normal(0, 0.06)]))
    iris = skin.eye(rng("iris"))
    for side in "lr":
        group = f"helper-{side}-eye"
        centre = rest[data.corners(group)].mean(0)
        angle = np.arccos(np.clip(unit(rest - centre) @ sight, -1, 1)) / (np.pi / 2)
        add_mesh("eye", posed, data.faces(group)[0], [iris], values={"gaze": np.clip(angle, 0, 1)}, subdivide=2)
    teeth = skin.teeth()
    for group, material in (("upper-teeth", teeth), ("lower-teeth", teeth), ("tongue", skin.tongue())):
        add_mesh(group, posed, data.faces(f"helper-{group}")[0], [material])


def _add_hair(rng, data, rest, skeleton, head, surface, traits, style, extras):
    """All strands of a head, and what they are, as a dict."""
    draw = rng("hair")
    cut = draw_haircut(draw, traits.male, traits.age, style)
    brim = accessories.hat_line(extras, head)
    cut = dataclasses.replace(cut, covered=brim is not None)
    colour = skin.draw_hair_colour(rng("dye"), traits.grey, np.clip(1.6 * traits.caucasian, 0.05, 1))
    material = skin.hair(rng("gloss"), colour)
    strands, ties = make_hair(draw, head, surface, cut)
    for part in strands:
        if brim is not None:  # under a hat no hair stands up
            local = head.to_local(part)
            part = part[~((local[:, :, 2] > brim).any(1))]
        if len(part):
            add_strands("hair", part, cut.radius * draw.uniform(0.7, 1.3, len(part)), material)
    for place, _out in ties if cut.style in TIED and brim is None else ():
        if cut.style != "bun":
            add_ball("tie", place, 0.013, skin.plain("tie", draw.uniform(10, 160, 3), 0.6))
    fine = rng("brows")
    for name, found, radius in (("brow", facehair.brows(fine, data.assets, data, rest, skeleton), 0.00006),
                                ("beard", facehair.beard(fine, data, head, surface)[0] if traits.male else None, 0.00006)):
        if found is not None:
            add_strands(name, found, radius, material)
    add_strands("lash", facehair.lashes(fine, data, rest, skeleton.skin(rest, data.weights)), 0.00005,
                skin.plain("lash", (16, 11, 9), 0.5))
    return {"hair": cut.style, "fringe": cut.fringe, "hair_in_face": cut.in_face, "melanin": round(colour[0], 2)}
