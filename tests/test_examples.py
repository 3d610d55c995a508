"""The programs of examples/ run, on small inputs. That of the client is in tests/web/test_example_client.py."""
import os
import runpy
import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml

from bgmatting.utils.files import PROJECT
from tests.media.video.clips import make_clip

EXAMPLES = PROJECT / "examples"
SIZE = 96, 64


@pytest.fixture
def scene():
    return cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), np.uint8), (0, 0), 3)


@pytest.fixture
def photo(scene):
    return cv2.circle(scene.copy(), (48, 32), 20, (30, 40, 220), -1)


def run(monkeypatch, name, *words):
    monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_examples_are_short():
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 40 for path in EXAMPLES.glob("*.*"))


@pytest.mark.slow
def test_simple(monkeypatch, tmp_path, scene, photo):
    cv2.imwrite(str(tmp_path / "src.png"), photo), cv2.imwrite(str(tmp_path / "bgr.png"), scene)
    run(monkeypatch, "simple.py", tmp_path / "src.png", tmp_path / "bgr.png", tmp_path / "out.png")
    alpha = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)[..., 3]
    assert alpha.shape == SIZE[::-1] and alpha[32, 48] > 200 and alpha[2, 2] < 50


@pytest.mark.slow
def test_batch(monkeypatch, tmp_path, scene, photo):
    for folder, image in (("photos", photo), ("scenes", scene)):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "b.png"):
            cv2.imwrite(str(tmp_path / folder / name), image)
    run(monkeypatch, "batch.py", tmp_path / "photos", tmp_path / "scenes", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "com").iterdir()) == ["a.png", "b.png"]


@pytest.mark.slow
def test_video(monkeypatch, tmp_path, scene, photo):
    make_clip(tmp_path / "clip.mp4", width=SIZE[0], height=SIZE[1], images=[scene] * 25 + [photo] * 5)
    cv2.imwrite(str(tmp_path / "beach.png"), 255 - scene)
    run(monkeypatch, "video.py", tmp_path / "clip.mp4", tmp_path / "beach.png", tmp_path / "out")
    assert (tmp_path / "out" / "clip_com.mp4").stat().st_size


@pytest.mark.slow
def test_training_on_own_data(tmp_path):
    rng = np.random.default_rng(2)
    for folder, channels in (("cutouts", 4), ("scenes", 3)):
        (tmp_path / folder).mkdir()
        for number in range(20):
            image = rng.integers(0, 255, (64, 64, channels), np.uint8)
            if channels == 4:
                image[..., 3] = cv2.circle(np.zeros((64, 64), np.uint8), (32, 32), 20 + number % 5, 255, -1)
            cv2.imwrite(str(tmp_path / folder / f"{number:02}.png"), image)
    phases = {"base": {"epochs": 1, "batch_size": 2, "size": 64, "crop": [48, 64]}, "joint": {"epochs": 0}}
    small = {"_base_": str(PROJECT / "configs" / "stage1.yml"), "valid_count": 1, "valid_size": 64, "num_workers": 0,
             "phases": phases}
    (tmp_path / "small.yml").write_text(yaml.safe_dump(small), encoding="utf-8")
    words = ["cutouts", "scenes", "--config", "small.yml", "--iters", "1", "--device", "cpu"]
    subprocess.run(["sh", EXAMPLES / "train_own_data.sh", *words], cwd=tmp_path, check=True,
                   env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(PROJECT)})
    assert (tmp_path / "log" / "own" / "sample" / "src_com.png").is_file()
