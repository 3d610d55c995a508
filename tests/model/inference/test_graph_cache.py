"""Exported graphs are made once, whole or not at all, and serve without paddle."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bgmatting.model import Matte, Matter
from bgmatting.model.inference.engines import graph_cache as exported
from tests.model.inference.engine_cases import EXPORTED, assert_alike, graphs_of, opened, photos, refused


@pytest.mark.parametrize("backend", EXPORTED)
def test_graphs_are_exported_once(weights, cache, backend, monkeypatch):
    opened(weights, backend)
    folder = graphs_of(weights, backend, cache)
    files = [folder / "check.npz", *(path for graph in ("coarse", "quarter", "half") for path in folder.glob(f"{graph}.*"))]
    assert len(files) >= 4
    times = [path.stat().st_mtime_ns for path in files]
    monkeypatch.setattr(exported, "_export", lambda *_: pytest.fail("exported again"))
    opened(weights, backend)
    assert [path.stat().st_mtime_ns for path in files] == times
    assert not list(cache.glob("new-*"))


def test_an_unfinished_export_is_made_anew_and_a_finished_one_of_another_process_kept(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    folder = tmp_path / f"{'0' * 16}-onnx-{exported.VERSION}"
    folder.mkdir()
    (folder / "coarse.onnx").write_text("cut off")
    monkeypatch.setattr(exported, "_export", lambda kind, made, *_: (made / "check.npz").write_text("own"))
    assert exported.exported_graphs("onnx", "0" * 64, None, None) == folder
    assert (folder / "check.npz").read_text() == "own" and not (folder / "coarse.onnx").exists()
    (folder / "check.npz").write_text("cut off")  # in the meantime
    assert (exported.exported_graphs("onnx", "0" * 64, None, None) / "check.npz").read_text() == "own"
    shutil.rmtree(folder)

    def overtaken(kind, made, *_):
        folder.mkdir()
        (folder / "check.npz").write_text("others")
        folder.chmod(0o700)
        sums = {"check.npz": hashlib.sha256(b"others").hexdigest()}
        (folder / exported.SUMS).write_text(json.dumps(sums))
        (made / "check.npz").write_text("own")

    monkeypatch.setattr(exported, "_export", overtaken)
    assert exported.exported_graphs("onnx", "0" * 64, None, None) == folder
    assert (folder / "check.npz").read_text() == "others"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.slow
@pytest.mark.parametrize("backend", EXPORTED)
@pytest.mark.parametrize("spoil", (
    lambda folder, file: file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1])),
    lambda folder, file: file.unlink(),
    lambda folder, file: (folder / exported.SUMS).write_text("{}"),
    lambda folder, file: (folder / exported.SUMS).write_text('["coarse.onnx"]'),
    lambda folder, file: folder.chmod(0o750)))
def test_graphs_that_are_not_what_was_written_are_made_anew(weights, private, monkeypatch, backend, spoil):
    folder = private(backend)
    file = next(folder.glob("coarse.onnx" if backend != "paddle-inference" else "coarse.pdiparams"))
    made, good = [], {path.name: path.read_bytes() for path in folder.iterdir() if path.name != exported.SUMS}

    def export(kind, place, *_):  # stands for the real one, which takes seconds, and writes the same
        made.append(kind)
        for name, content in good.items():
            (place / name).write_bytes(content)

    monkeypatch.setattr(exported, "_export", export)
    spoil(folder, file)
    opened(weights, backend)
    assert len(made) == 1 and folder.stat().st_mode & 0o777 == 0o700
    sums = json.loads((folder / exported.SUMS).read_text())
    assert {"check.npz", file.name} <= set(sums)
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted for name, wanted in sums.items())
    opened(weights, backend)
    assert len(made) == 1


def test_graphs_of_another_user_are_not_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "new" / "cache"))
    made = []
    monkeypatch.setattr(exported, "_export", lambda kind, folder, *_: (made.append(kind), (folder / "check.npz").touch()))
    for _ in range(2):
        folder = exported.exported_graphs("onnx", "0" * 64, None, None)
    assert made == ["onnx"] and folder.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert not exported._complete(folder)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", (
    lambda blob: blob.write_bytes(blob.read_bytes()[:-9] + bytes(9)),
    lambda blob: blob.write_bytes(blob.read_bytes()[:100]),
    lambda blob: (blob.parent / "blobs.json").write_text("{}"),
    lambda blob: (blob.parent / "blobs.json").write_text("[1"),
    lambda blob: (blob.parent / "blobs.json").unlink()))
def test_compiled_graphs_that_are_not_what_was_written_are_not_read(weights, private, spoil):
    folder = private("openvino")
    src, bgr = photos(64, 96)
    wanted = opened(weights, "openvino").predict(src, bgr)
    blob = sorted(folder.glob("*.blob"))[0]
    blob.chmod(0o600)
    spoil(blob)
    found = opened(weights, "openvino").predict(src, bgr)
    np.testing.assert_array_equal(found.pha, wanted.pha)
    sums = json.loads((folder / "blobs.json").read_text())
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.blob")}
    assert len(sums) >= 2


def test_sound_compiled_graphs_are_kept(weights, private):
    folder = private("openvino")
    opened(weights, "openvino")
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.blob")}
    opened(weights, "openvino")
    assert times and times == {path.name: path.stat().st_mtime_ns for path in folder.glob("*.blob")}


def test_threads_export_once(tmp_path, monkeypatch):
    made = []

    def export(kind, folder, *_):
        made.append(kind)
        time.sleep(0.05)
        (folder / "check.npz").touch()

    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    monkeypatch.setattr(exported, "_export", export)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: exported.exported_graphs("onnx", "0" * 64, None, None), range(4)))
    assert made == ["onnx"] and set(folders) == set(tmp_path.iterdir())


def test_a_failed_export_leaves_nothing(weights, order, tmp_path, monkeypatch):
    def fail(kind, made, *_):
        (made / "coarse.onnx").write_text("half of it")
        raise RuntimeError("no conversion")

    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    monkeypatch.setattr(exported, "_export", fail)
    order("paddle-inference", "paddle")
    with pytest.warns(RuntimeWarning, match="paddle-inference is passed over: RuntimeError: no conversion"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written(weights, order, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "file" / "cache"))
    order("paddle-inference", "paddle")
    with pytest.warns(RuntimeWarning, match="paddle-inference is passed over: no exported graphs can be kept in .*cache"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    assert "backend 'paddle-inference' cannot be used" in refused(weights, "paddle-inference")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ("openvino", "onnxruntime"))
def test_without_paddle_once_the_graphs_are_there(weights, expected, cache, tmp_path, backend):
    opened(weights, backend)
    np.savez(tmp_path / "photos.npz", *photos(96, 160))
    script = """
import sys
import numpy as np
from bgmatting.model import Matter
weights, backend, folder = sys.argv[1:]
with np.load(folder + "/photos.npz") as photos:
    matter = Matter(weights, backend, "cpu", backbone_scale=0.25, sample_pixels=3200, unmix=False)
    np.savez(folder + "/matte.npz", *matter.predict(*(photos[name] for name in photos.files)))
unwanted = {"paddle", "openvino_telemetry"} & set(sys.modules)
sys.exit(f"imported: {unwanted}" if unwanted else 0)
"""
    done = subprocess.run([sys.executable, "-c", script, str(weights), backend, str(tmp_path)], capture_output=True,
                          text=True, cwd=Path(__file__).parents[3], env={**os.environ, "MATTING_CACHE": str(cache)})
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "matte.npz") as found:
        assert_alike(Matte(*(found[name] for name in found.files)), expected(0.25), 1e-4)
