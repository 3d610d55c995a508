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
from tests.model.inference.engine_cases import EXPORTED, HERE, assert_alike, graphs_of, opened, photos, refused


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the graphs of weights that have no file would be."""
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / f"{'0' * 16}-onnx-{exported.VERSION}"


def graphs():
    return exported.exported_graphs("onnx", "0" * 64, {}, {})


@pytest.mark.parametrize("backend", EXPORTED)
def test_graphs_are_exported_once(weights, shared, cache, backend, monkeypatch):
    shared(backend)
    folder = graphs_of(weights, backend, cache)
    files = [folder / "check.npz", *(path for graph in ("coarse", "quarter", "half") for path in folder.glob(f"{graph}.*"))]
    assert len(files) >= 4
    times = [path.stat().st_mtime_ns for path in files]
    monkeypatch.setattr(exported, "_export", lambda *_: pytest.fail("exported again"))
    opened(weights, backend)
    assert [path.stat().st_mtime_ns for path in files] == times
    assert not list(cache.glob("new-*"))


def test_an_unfinished_export_is_made_anew_and_a_finished_one_of_another_process_kept(folder, monkeypatch):
    folder.mkdir(parents=True)
    (folder / "coarse.onnx").write_text("cut off")
    monkeypatch.setattr(exported, "_export", lambda kind, made, *_: (made / "check.npz").write_text("own"))
    assert graphs() == folder
    assert (folder / "check.npz").read_text() == "own" and not (folder / "coarse.onnx").exists()
    (folder / "check.npz").write_text("cut off")  # in the meantime
    assert (graphs() / "check.npz").read_text() == "own"
    shutil.rmtree(folder)

    def overtaken(kind, made, *_):
        folder.mkdir(mode=0o700)
        (folder / "check.npz").write_text("others")
        (folder / exported.SUMS).write_text(json.dumps({"check.npz": hashlib.sha256(b"others").hexdigest()}))
        (made / "check.npz").write_text("own")

    monkeypatch.setattr(exported, "_export", overtaken)
    assert (graphs() / "check.npz").read_text() == "others"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("spoil", (
    lambda folder, file: file.write_bytes(file.read_bytes()[:-1] + b"!"), lambda folder, file: file.unlink(),
    lambda folder, file: (folder / exported.SUMS).write_text("{}"),
    lambda folder, file: (folder / exported.SUMS).write_text('["coarse.onnx"]'),
    lambda folder, file: folder.chmod(0o750)))
def test_graphs_that_are_not_what_was_written_are_made_anew(folder, monkeypatch, spoil):
    made = []

    def export(kind, place, *_):
        made.append(kind)
        for name in ("check.npz", "coarse.onnx"):
            (place / name).write_bytes(b"content")

    monkeypatch.setattr(exported, "_export", export)
    graphs()
    spoil(folder, folder / "coarse.onnx")
    for _ in range(2):
        graphs()
    assert len(made) == 2 and folder.stat().st_mode & 0o777 == 0o700 and folder.parent.stat().st_mode & 0o777 == 0o700
    sums = json.loads((folder / exported.SUMS).read_text())
    assert sums == dict.fromkeys(("check.npz", "coarse.onnx"), hashlib.sha256(b"content").hexdigest())
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)  # of another user
    assert not exported._complete(folder)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", (
    lambda blob: blob.write_bytes(blob.read_bytes()[:-9] + bytes(9)),
    lambda blob: (blob.parent / "blobs.json").write_text("[1"), None))
def test_compiled_graphs_are_kept_and_what_is_damaged_is_not_read(weights, private, spoil):
    folder, pair = private("openvino"), photos(64, 96)
    wanted = opened(weights, "openvino").predict(*pair)
    blob, times = sorted(folder.glob("*.blob"))[0], {path: path.stat().st_mtime_ns for path in folder.glob("*.blob")}
    blob.chmod(0o600)
    if spoil:
        spoil(blob)
    np.testing.assert_array_equal(opened(weights, "openvino").predict(*pair).pha, wanted.pha)
    sums = json.loads((folder / "blobs.json").read_text())
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.blob")}
    assert len(sums) >= 2
    assert spoil or times == {path: path.stat().st_mtime_ns for path in folder.glob("*.blob")}


def test_threads_export_once(folder, monkeypatch):
    made = []

    def export(kind, place, *_):
        made.append(kind)
        time.sleep(0.05)
        (place / "check.npz").touch()

    monkeypatch.setattr(exported, "_export", export)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: graphs(), range(4)))
    assert made == ["onnx"] and set(folders) == {folder}


def test_a_failed_export_leaves_nothing(weights, order, folder, monkeypatch):
    def fail(kind, made, *_):
        (made / "coarse.onnx").write_text("half of it")
        raise RuntimeError("no conversion")

    monkeypatch.setattr(exported, "_export", fail)
    order("paddle-inference", "paddle")
    with pytest.warns(RuntimeWarning, match="paddle-inference is passed over: RuntimeError: no conversion"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    assert list(folder.parent.iterdir()) == []


def test_a_cache_that_cannot_be_written(weights, folder, tmp_path):
    (tmp_path / "cache").touch()
    assert str(tmp_path / "cache") in refused(weights, "paddle-inference")


@pytest.mark.slow
def test_without_paddle_once_the_graphs_are_there(weights, shared, expected, cache, tmp_path):
    backends = [name for name in ("openvino", "onnxruntime") if name in HERE]
    for backend in backends:
        shared(backend)
    np.savez(tmp_path / "photos.npz", *photos(96, 160))
    script = """
import sys
import numpy as np
from bgmatting.model import Matter
weights, folder, *backends = sys.argv[1:]
with np.load(folder + "/photos.npz") as photos:
    pair = [photos[name] for name in photos.files]
for backend in backends:
    matter = Matter(weights, backend, "cpu", backbone_scale=0.25, sample_pixels=3200, unmix=False)
    np.savez(f"{folder}/{backend}.npz", *matter.predict(*pair))
unwanted = {"paddle", "openvino_telemetry"} & set(sys.modules)
sys.exit(f"imported: {unwanted}" if unwanted else 0)
"""
    done = subprocess.run([sys.executable, "-c", script, str(weights), str(tmp_path), *backends], capture_output=True,
                          text=True, cwd=Path(__file__).parents[3], env={**os.environ, "MATTING_CACHE": str(cache)})
    assert done.returncode == 0, done.stderr
    for backend in backends:
        with np.load(tmp_path / f"{backend}.npz") as found:
            assert_alike(Matte(*(found[name] for name in found.files)), expected(0.25), 1e-4)
