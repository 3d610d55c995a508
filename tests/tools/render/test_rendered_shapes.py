"""Rendered subjects, the arithmetic beneath them: readers, rotations, bones, traits, strands, developing."""
import gzip
import types

import numpy as np
import pytest

from tools.starter.render import develop
from tools.starter.render.body.files import read_clothing, read_obj, read_pose, read_target
from tools.starter.render.body.geometry import (
    Waves,
    about,
    normals,
    part_way,
    scatter,
    shortest,
    smooth_noise,
    triangles,
    turn,
    unit,
)
from tools.starter.render.body.rig import Skeleton
from tools.starter.render.body.traits import draw_expression, draw_face, draw_traits, word_weights

RNG = np.random.default_rng


def test_a_mesh_is_read(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("# x\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\ng cloth\nf 1/1 2/2 3/1 4/2\nf 1 2 3\n")
    mesh = read_obj(path)
    assert mesh.points.shape == (4, 3) and mesh.faces == [[0, 1, 2, 3], [0, 1, 2]]
    assert mesh.uv_faces == [[0, 1, 0, 1], [0, 0, 0]] and list(mesh.groups) == ["cloth", "cloth"]
    assert triangles(mesh.faces).tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2]]


def test_a_target_is_read_packed_and_plain(tmp_path):
    text = "# by someone\n3 .5 -1 0\n7 0 0 .25\n"
    (tmp_path / "a.target").write_text(text)
    (tmp_path / "a.target.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.target", "a.target.gz"):
        indices, offsets = read_target(tmp_path / name)
        assert indices.tolist() == [3, 7] and offsets.tolist() == [[0.5, -1, 0], [0, 0, 0.25]]


def test_clothing_is_read(tmp_path):
    path = tmp_path / "a.mhclo"
    path.write_text("# free\nname a\nobj_file a.obj\nx_scale 1 2 1.5\ny_scale 3 4 2\nz_scale 5 6 3\nverts 0\n"
                    "5\n1 2 3 0.2 0.3 0.5 0.1 0.2 0.3\ndelete_verts\n4 - 6 9\n")
    clothing = read_clothing(path)
    assert clothing.mesh == tmp_path / "a.obj" and clothing.scales["x"] == (1, 2, 1.5)
    assert clothing.refs.tolist() == [[5, 5, 5], [1, 2, 3]] and clothing.weights[0].tolist() == [1, 0, 0]
    assert clothing.hidden == {4, 5, 6, 9}


def test_a_pose_is_read(tmp_path):
    path = tmp_path / "a.bvh"
    path.write_text("HIERARCHY\nROOT root\n{\n OFFSET 0 0 0\n CHANNELS 6 Xposition Yposition Zposition Xrotation Yrotation "
                    "Zrotation\n JOINT arm\n {\n CHANNELS 3 Zrotation Xrotation Yrotation\n }\n}\n"
                    "MOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0 90 0 0 90 0 0\n")
    pose = read_pose(path)
    assert np.allclose(pose["root"], turn("X", np.pi / 2)) and np.allclose(pose["arm"], turn("Z", np.pi / 2))


def test_rotations_agree():
    for axis, vector in (("X", (1, 0, 0)), ("Y", (0, 1, 0)), ("Z", (0, 0, 1))):
        assert np.allclose(turn(axis, 0.7), about(vector, 0.7))
    assert np.allclose(turn("Z", np.pi / 2) @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(part_way(about((1, 2, 3), 1.2), 0.25), about((1, 2, 3), 0.3))
    assert np.allclose(part_way(np.eye(3), 0.5), np.eye(3))


@pytest.mark.parametrize("target", [(1, 0, 0), (0, 0, 1), (-1, 0, 0), (0.3, -0.4, 0.5)])
def test_the_shortest_rotation_reaches_its_target(target):
    matrix = shortest((1, 0, 0), target)
    assert np.allclose(matrix @ [1, 0, 0], unit(np.array(target, float))) and np.isclose(np.linalg.det(matrix), 1)


def square():
    """A unit square in two triangles."""
    return np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]]), np.array([[0, 1, 2], [0, 2, 3]])


def test_scattered_points_lie_on_the_surface_evenly():
    points, tris = square()
    places, chosen, shares = scatter(RNG(0), points, tris, 4000)
    assert np.allclose(shares.sum(1), 1) and (places[:, 2] == 0).all() and abs(places[:, :2].mean() - 0.5) < 0.02
    assert abs((chosen == 0).mean() - 0.5) < 0.04
    assert np.allclose(normals(points, tris), [0, 0, 1])


def test_noise_is_smooth_and_of_unit_size():
    noise = smooth_noise(RNG(0), 500, 100)
    assert 0.6 < noise.std() < 1.1 and np.abs(np.diff(noise, axis=1)).max() < 0.4
    field = Waves(RNG(0), 0.1)(RNG(1).uniform(0, 1, (4000, 3)))
    assert 0.7 < field.std() < 1.3


def test_traits_are_repeatable_and_their_weights_sum_to_one():
    assert draw_traits(RNG(4)) == draw_traits(RNG(4)) != draw_traits(RNG(5))
    for seed in range(50):
        traits = draw_traits(RNG(seed))
        words = word_weights(traits)
        assert np.isclose(words["child"] + words["young"] + words["old"], 1)
        assert np.isclose(sum(words[size + "muscle"] for size in ("min", "average", "max")), 1)
        assert np.isclose(traits.african + traits.asian + traits.caucasian, 1)


def test_a_face_takes_one_of_two_opposites_on_both_sides():
    names = ["l-eye-scale-incr", "l-eye-scale-decr", "r-eye-scale-incr", "r-eye-scale-decr", "nose-width", "head-age-incr"]
    for seed in range(20):
        found = draw_face(RNG(seed), names)
        sides = {name[0]: value for name, value in found.items() if "eye-scale" in name}
        assert len({name[2:] for name in found if "eye-scale" in name}) <= 1
        assert len(sides) in (0, 2) and len(set(sides.values())) <= 1 and "head-age-incr" not in found
    assert all(0 <= value <= 1 for value in draw_expression(RNG(3)).values())


def arm():
    """The least body that ``Skeleton`` needs: a chain of bones along x, two fingers at its end."""
    names = ["root", "upperarm01.L", "upperarm02.L", "lowerarm01.L", "lowerarm02.L", "wrist.L"]
    heads = np.array([[0, 0, 0], [0.1, 0, 1], [0.25, 0, 1], [0.4, 0, 1], [0.5, 0, 1], [0.65, 0, 1.0]])
    data = types.SimpleNamespace(names=names, parents=[-1, 0, 1, 2, 3, 4], heads=lambda _: heads, tails=lambda _: heads)
    return Skeleton(data, None)


@pytest.mark.parametrize("target", [(0.3, -0.3, 1.1), (0.2, -0.1, 0.7), (0.4, 0.2, 1.2)])
def test_a_hand_reaches_its_place_and_bones_keep_their_length(target):
    skeleton = arm()
    skeleton.reach("L", np.array(target), np.array([0, 0.5, -1.0]), twist=0.4)
    _, places = skeleton.solve()
    assert np.allclose(places[5], target, atol=1e-6)
    assert np.isclose(np.linalg.norm(places[3] - places[1]), 0.3) and np.isclose(np.linalg.norm(places[5] - places[3]), 0.25)


def test_skin_follows_its_bone():
    skeleton = arm()
    skeleton.rotate("wrist.L", turn("Z", np.pi / 2))
    weights = np.eye(6)[[0, 5]]
    moved = skeleton.skin(np.array([[0.1, 0, 0], [0.75, 0, 1.0]]), weights)
    assert np.allclose(moved, [[0.1, 0, 0], [0.65, 0.1, 1]])


def renders():
    """A red disc with a soft edge, as the two renders of it: light times alpha, and glow times alpha."""
    y, x = np.mgrid[:64, :64]
    alpha = np.clip((24 - np.hypot(x - 32, y - 32)) / 6, 0, 1)[..., None].astype("f4")
    look = np.concatenate([alpha * np.array([0.4, 0.1, 0.1], "f4"), alpha], 2)
    return look, np.concatenate([alpha, alpha, alpha, alpha], 2)


def test_colour_is_straight_up_to_the_edge():
    colour, alpha = develop.straight_colour(*renders())
    seen = alpha > 0.05
    assert np.abs(colour[seen] - (0.4, 0.1, 0.1)).max() < 0.02
    assert np.array_equal(alpha, renders()[1][..., 3])


def test_strands_come_back_where_glow_differs_only():
    look, cover = renders()
    assert np.abs(develop.strand_contrast(cover) - 1).max() < 0.02
    cover[:, ::2, :3] *= 0.6
    factor = develop.strand_contrast(cover)
    assert factor[32, 33] > 1.1 > 0.9 > factor[32, 32]


def test_a_picture_is_repeatable_in_range_and_measured():
    first, second = (develop.picture(RNG(1), *renders()) for _ in range(2))
    assert first.dtype == np.uint8 and np.array_equal(first, second)
    found = develop.measure(first)
    assert found["parts"] == 1 and found["specks"] == 0 and found["holes"] == 0 and 0.05 < found["soft"] < 0.25
    first[2:5, 2:4, 3] = 255
    first[30:34, 30:34, 3] = 0
    found = develop.measure(first)
    assert found["specks"] == 1 and found["holes"] == 1


def test_highlights_are_not_cut_off():
    colour = np.linspace(0, 1, 4096).reshape(64, 64, 1).repeat(3, 2).astype("f4")
    shown = develop.expose(RNG(0), colour, np.ones((64, 64)))
    assert (shown[..., 0] > 0.995).mean() < 0.01 and np.diff(shown[..., 0].ravel()).min() > -1e-6
