"""Rendered subjects with Blender: tiny renders. Skipped where bpy, or the assets for people, are missing."""
import json
import os

import cv2
import numpy as np
import pytest

pytest.importorskip("bpy", reason="bpy is not installed; see requirements-render.txt")
pytest.importorskip("scipy", reason="scipy is not installed; see requirements-render.txt")

from bgmatting.dataset.generate.rendered import __main__ as command  # noqa: E402  (these import Blender)
from bgmatting.dataset.generate.rendered import make as making  # noqa: E402
from bgmatting.dataset.generate.rendered.blender.scene import add_ball, add_strands, clear  # noqa: E402
from bgmatting.dataset.generate.rendered.plan import Job  # noqa: E402
from bgmatting.dataset.generate.rendered.subjects.animal import add_animal  # noqa: E402
from bgmatting.dataset.generate.rendered.subjects.plant import FORMS as PLANTS  # noqa: E402
from bgmatting.dataset.generate.rendered.subjects.plant import add_plant  # noqa: E402
from bgmatting.dataset.generate.rendered.subjects.thing import FORMS as THINGS  # noqa: E402
from bgmatting.dataset.generate.rendered.subjects.thing import add_thing  # noqa: E402
from bgmatting.utils.errors import UserError  # noqa: E402

needs_assets = pytest.mark.skipif(not os.environ.get("RENDER_ASSETS"), reason="RENDER_ASSETS names no folder of body data")


def forms(add, wanted):
    """Seeds under which ``add`` makes each of the ``wanted`` forms, tried in order."""
    found = {}
    for seed in range(200):
        clear()
        about = add(np.random.default_rng(seed))[2]
        found.setdefault(about["form"], seed)
        if len(found) == len(wanted):
            break
    return found


def test_a_thing_is_rendered_alike_twice():
    pictures = [making.make(Job(0, 3, "thing"), None, 64, 2, 8) for _ in range(2)]
    (first, about), (second, _) = pictures
    assert first.shape == (64, 64, 4) and first.dtype == np.uint8
    assert np.array_equal(first[..., 3], second[..., 3])
    assert np.abs(first.astype(int) - second).max() <= 2
    assert about["kind"] == "thing" and 0 < about["cover"] < 1 and about["soft"] > 0


def test_every_form_of_thing_and_plant_has_finite_points_in_reach():
    for add, wanted in ((add_thing, THINGS), (add_plant, PLANTS)):
        found = forms(add, wanted)
        assert set(found) == set(wanted)
        for seed in found.values():
            clear()
            points, toward, _ = add(np.random.default_rng(seed))
            assert np.isfinite(points).all() and np.ptp(points, axis=0).max() < 3
            assert np.isclose(np.linalg.norm(toward), 1, atol=0.2)


def test_an_animal_is_covered_with_fur():
    import bpy
    clear()
    points, _, about = add_animal(np.random.default_rng(1))
    fur = [item for item in bpy.data.objects if item.name.startswith("fur")]
    assert len(fur) == 2 and 0.01 < about["fur"] < 0.08 and np.isfinite(points).all()


def test_strands_and_meshes_arrive_in_the_scene():
    import bpy

    from bgmatting.dataset.generate.rendered.blender.material import plain
    clear()
    strands = np.random.default_rng(0).random((5, 7, 3))
    item = add_strands("hair", strands, 0.001, plain("a", (9, 9, 9)))
    assert len(item.data.curves) == 5 and len(item.data.points) == 35
    ball = add_ball("ball", np.array([1.0, 2, 3]), 0.5, plain("b", (9, 9, 9)))
    corners = np.array([corner.co for corner in ball.data.vertices])
    assert np.allclose(np.linalg.norm(corners - [1, 2, 3], axis=1), 0.5, atol=1e-5)
    assert len(bpy.data.objects) == 2


def test_things_need_no_assets(tmp_path, monkeypatch):
    monkeypatch.delenv("RENDER_ASSETS", raising=False)
    words = ["--n", "1", "--size", "32", "--samples", "1", "--alpha-samples", "2"]
    command.main(["--out", str(tmp_path), "--kind", "plant", *words])
    assert len(list(tmp_path.glob("plant_*.webp"))) == 1
    with pytest.raises(UserError, match="RENDER_ASSETS"):
        command.main(["--out", str(tmp_path), "--kind", "person", *words])


@needs_assets
def test_people_are_written_and_passed_over(tmp_path, capsys):
    words = ["--out", str(tmp_path), "--n", "1", "--size", "64", "--samples", "1", "--alpha-samples", "4",
             "--kind", "person"]
    command.main(words)
    path = tmp_path / "person_00000_00000.webp"
    stamp, image = path.stat().st_mtime_ns, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image.shape == (64, 64, 4) and 0.02 < (image[..., 3] > 127).mean() < 0.98
    line = json.loads((tmp_path / "subjects.jsonl").read_text())
    assert line["kind"] == "person" and {"hair", "clothes", "hands", "light", "soft"} <= set(line)
    capsys.readouterr()
    command.main(words)
    assert "1 of them are in" in capsys.readouterr().out and path.stat().st_mtime_ns == stamp


@needs_assets
@pytest.mark.parametrize("style", ["bun", "braid", "ponytail", "half_up", "curly", "bald"])
def test_every_kind_of_haircut_stays_near_its_head(style):
    import bpy

    from bgmatting.dataset.generate.rendered.assets import find_assets
    from bgmatting.dataset.generate.rendered.body.body import BodyData
    from bgmatting.dataset.generate.rendered.subjects.person import add_person
    clear()
    placed = add_person(Job(2, 0, "person"), BodyData(find_assets()), style=style)
    hair = [item for item in bpy.data.objects if item.name.startswith("hair")]
    assert bool(hair) == (style != "bald")
    for item in hair:
        places = np.empty(len(item.data.points) * 3, "f4")
        item.data.attributes["position"].data.foreach_get("vector", places)
        places = places.reshape(-1, 3)
        assert np.isfinite(places).all() and np.linalg.norm(places - placed.head.origin, axis=1).max() < 1.0
