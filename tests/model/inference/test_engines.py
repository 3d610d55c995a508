"""Every engine gives the mattes of the network itself, and what does not work is passed over or said."""
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import model.inference.engines as engines
from model import Matte, Matter, MattingRefine
from model.inference.engines import graph_cache as exported
from model.inference.engines.base import EngineError
from model.inference.engines.onnx import OnnxEngine
from model.inference.engines.openvino import OpenvinoEngine
from model.inference.engines.paddle_inference import InferenceEngine
from model.weights import file_sha256, save_weights
from tests.model.reference import reference_network
from utils.errors import UserError

ONNX = ("onnx", "paddle2onnx")
NEEDS = {"paddle": (), "paddle-inference": (), "onnxruntime": ("onnxruntime", *ONNX), "openvino": ("openvino", *ONNX)}
HERE = [name for name, packages in NEEDS.items() if all(importlib.util.find_spec(package) for package in packages)]
CLASSES = {"paddle-inference": InferenceEngine, "onnxruntime": OnnxEngine, "openvino": OpenvinoEngine}
EXPORTED = list(CLASSES)


def photos(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(2)]


def opened(weights, backend, **settings):
    """A Matter on the CPU; the test is skipped where the backend's packages are missing."""
    if backend in NEEDS and backend not in HERE:
        pytest.skip(f"what {backend} needs is not installed")
    return Matter(weights, backend, "cpu", **{"sample_pixels": 3200, "unmix": False, **settings})


def assert_alike(one, other, bound):
    """Two mattes: patches may be chosen otherwise where errors nearly tie, and are left out then."""
    same = one.ref == other.ref
    assert same.mean() > 0.99
    for name in ("pha", "fgr", "err"):
        assert np.abs(getattr(one, name) - getattr(other, name))[same].max() < bound, name


def refused(weights, backend, **settings):
    """What is said where no engine can be used; a warning fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(UserError) as error:
            opened(weights, backend, **settings)
    return str(error.value)


def graphs_of(weights, backend, cache):
    """The folder of a cache where an engine's graphs are."""
    kind = "paddle" if backend == "paddle-inference" else "onnx"
    return cache / f"{file_sha256(weights)[:16]}-{kind}-{exported.VERSION}"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "whole.safetensors"
    save_weights(reference_network(MattingRefine, "mobilenetv2"), path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Weights of another backbone, with refiner kernels of 1."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(reference_network(MattingRefine, "mobilenetv3", refine_kernel_size=1), path)
    return path


@pytest.fixture(scope="module")
def expected(weights):
    """expected(scale) -> the Matte of ``photos(96, 160)`` by the engine "paddle"."""
    found = {}

    def matte(scale):
        if scale not in found:
            found[scale] = opened(weights, "paddle", backbone_scale=scale).predict(*photos(96, 160))
        return found[scale]

    return matte


@pytest.fixture
def private(weights, cache, tmp_path, monkeypatch):
    """private(backend) -> the folder of its exported graphs, in a cache that the test may spoil."""
    def copy(backend):
        opened(weights, backend)
        folder = graphs_of(weights, backend, cache)
        shutil.copytree(folder, tmp_path / "cache" / folder.name)
        monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache" / folder.name

    return copy


@pytest.fixture
def order(monkeypatch):
    """order(*backends): what "auto" tries on a CPU."""
    return lambda *backends: monkeypatch.setitem(engines.FASTEST, "cpu", backends)


@pytest.mark.parametrize("scale", (0.25, 0.5))
@pytest.mark.parametrize("backend", EXPORTED)
def test_every_engine_gives_what_paddle_gives(weights, expected, backend, scale):
    matter = opened(weights, backend, backbone_scale=scale)
    assert matter.settings["backend"] == backend and matter.settings["device"] == "cpu"
    assert_alike(matter.predict(*photos(96, 160)), expected(scale), 1e-4)
    assert expected(scale).ref.sum() == 3200


@pytest.mark.parametrize("scale", (0.25, 0.5))
def test_another_backbone_and_kernel(small, scale):
    backend = "onnxruntime" if "onnxruntime" in HERE else "paddle-inference"
    one, other = (opened(small, name, backbone_scale=scale).predict(*photos(100, 75)) for name in ("paddle", backend))
    assert_alike(one, other, 1e-4)
    assert 0.2 < one.ref.mean() < 0.9


@pytest.mark.parametrize("settings", [
    {"refine_mode": "full", "backbone_scale": 0.3}, {"refine_mode": "thresholding", "threshold": 0.42, "threads": 1},
    {"refine_mode": "thresholding", "threshold": 1.0}])
def test_other_settings(weights, settings):
    first, *others = (opened(weights, backend, **settings).predict(*photos(70, 45)) for backend in HERE)
    assert first.ref.any() == (settings.get("threshold") != 1)
    for other in others:
        assert_alike(first, other, 1e-4)


@pytest.mark.parametrize("backend", EXPORTED)
def test_a_batch_and_many_sizes(weights, backend, monkeypatch):
    monkeypatch.setattr("model.inference.engines.openvino.KEPT", 2)
    matter = opened(weights, backend)
    srcs, bgrs = zip(*(photos(48, 64, seed) for seed in range(3)))
    together = matter.predict_batch(srcs, bgrs)
    for matte, src, bgr in zip(together, srcs, bgrs):
        assert_alike(matter.predict(src, bgr), matte, 1e-5)
    sizes = [(16, 16), (48, 64), (1, 21)]
    first = [matter.predict(*photos(*size)) for size in sizes]
    for size, matte in zip(sizes, first):
        assert matte.pha.shape == size
        for one, other in zip(matte, matter.predict(*photos(*size))):
            assert np.array_equal(one, other)


def test_auto_takes_the_fastest_that_is_there(weights, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        matter = opened(weights, "auto", backbone_scale=0.5)
    assert matter.settings["backend"] == next(name for name in ("openvino", "onnxruntime", "paddle") if name in HERE)
    assert_alike(matter.predict(*photos(96, 160)), expected(0.5), 1e-4)


def test_auto_passes_over_what_is_not_installed(weights, monkeypatch):
    for package in ("openvino", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            found = opened(weights, "auto").settings["backend"]
        left = {"openvino": ("onnxruntime", "paddle"), "onnxruntime": ("paddle",)}[package]
        assert found == next(name for name in left if name in HERE)


@pytest.mark.parametrize("backend", ("openvino", "onnxruntime"))
def test_a_missing_package_is_named(weights, backend, monkeypatch):
    monkeypatch.setitem(sys.modules, backend, None)
    with pytest.raises(UserError, match=f"backend '{backend}' cannot be used: .*package {backend} is not installed"):
        Matter(weights, backend, "cpu")


@pytest.mark.parametrize("package", ONNX)
def test_a_package_that_the_export_needs_is_named(weights, package, monkeypatch, tmp_path):
    opened(weights, "onnxruntime")
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"backend 'onnxruntime' cannot be used: .*package {package} is not installed"):
        Matter(weights, "onnxruntime", "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    assert list(tmp_path.iterdir()) == []


def test_unknown_backend(weights):
    said = refused(weights, "onnxruntim")
    assert "unknown backend 'onnxruntim'" in said and "Did you mean 'onnxruntime'" in said


@pytest.mark.parametrize("backend, precision", [
    ("paddle", "bf16"), ("paddle", "fp16"), ("paddle-inference", "bf16"), ("onnxruntime", "bf16"), ("openvino", "fp16"),
    ("auto", "fp16")])
def test_precisions_that_an_engine_lacks(weights, backend, precision):
    said = refused(weights, backend, precision=precision)
    if backend == "auto":
        assert "no backend computes in fp16 on cpu: " in said
    else:
        assert f"backend '{backend}' cannot be used: {backend}: it " in said and " only" in said


def test_bf16_is_near(weights, expected):
    try:
        matter = opened(weights, "openvino", precision="bf16", backbone_scale=0.5)
    except UserError as error:
        assert "this CPU does not compute in bf16" in str(error)
        pytest.skip("this CPU does not compute in bf16")
    matte = matter.predict(*photos(96, 160))
    assert matter.settings["precision"] == "bf16"
    assert 0 < np.abs(matte.pha - expected(0.5).pha).mean() < 0.02


@pytest.mark.parametrize("backend, graph", [
    ("openvino", "coarse"), ("onnxruntime", "half"), ("paddle-inference", "quarter")])
def test_an_engine_that_answers_wrongly_is_passed_over(weights, private, order, backend, graph):
    folder = private(backend)
    with np.load(folder / "check.npz") as stored:
        stored = dict(stored)
    stored[f"{graph}/answer"].flat[7] += 0.1 * max(1, np.abs(stored[f"{graph}/answer"]).max())
    np.savez(folder / "check.npz", **stored)
    assert f"its self-check failed: {graph} is off by 0." in refused(weights, backend)
    order(backend, "paddle")
    with pytest.warns(RuntimeWarning, match=f"backend {backend} is passed over: its self-check failed: {graph}"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"


@pytest.mark.parametrize("wrong", (lambda x: x * np.nan, lambda x: x[:, :8], lambda x: x + 1))
def test_answers_that_are_no_numbers_or_too_few(weights, order, monkeypatch, wrong):
    real = InferenceEngine.blocks
    monkeypatch.setattr(InferenceEngine, "blocks", lambda *args: wrong(real(*args)))
    assert "its self-check failed: quarter is off by" in refused(weights, "paddle-inference")
    order("paddle-inference", "paddle")
    with pytest.warns(RuntimeWarning, match="backend paddle-inference is passed over"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"


@pytest.mark.parametrize("raised, said", [
    (RuntimeError("first line\nsecond line"), "RuntimeError: first line"), (KeyError(), "KeyError"),
    (AssertionError(" "), "AssertionError"), (EngineError("it is on fire"), "it is on fire")])
def test_an_engine_that_raises_is_passed_over(weights, order, monkeypatch, raised, said):
    def fail(*_):
        raise raised

    for kind in CLASSES.values():
        monkeypatch.setattr(kind, "__init__", fail)
    order("openvino", "onnxruntime", "paddle")
    with pytest.warns(RuntimeWarning) as warned:
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    told = [str(warning.message) for warning in warned if warning.category is RuntimeWarning]
    assert len(told) == 2 and all("\n" not in line for line in told)
    for name, line in zip(("openvino", "onnxruntime"), told):
        assert line.startswith(f"backend {name} is passed over: {said}")
    for name in CLASSES:
        with pytest.raises(UserError, match=f"backend '{name}' cannot be used: {name}: {said}"):
            Matter(weights, name, "cpu")


@pytest.mark.parametrize("backend", EXPORTED)
def test_graphs_are_exported_once(weights, cache, backend, monkeypatch):
    opened(weights, backend)
    folder = graphs_of(weights, backend, cache)
    files = [folder / "check.npz", *(path for graph in exported.GRAPHS for path in folder.glob(f"{graph}.*"))]
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
        (folder / exported.SIZES).write_text('{"check.npz": 6}')
        (made / "check.npz").write_text("own")

    monkeypatch.setattr(exported, "_export", overtaken)
    assert exported.exported_graphs("onnx", "0" * 64, None, None) == folder
    assert (folder / "check.npz").read_text() == "others"
    assert list(tmp_path.iterdir()) == [folder]


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


@pytest.mark.parametrize("backend", [name for name in NEEDS if name in HERE])
def test_threads_get_what_one_gets(weights, backend):
    matter = opened(weights, backend)
    pairs = [photos(*size, seed) for seed, size in enumerate([(48, 64), (64, 48)] * 4)]
    alone = [matter.predict(*pair) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: matter.predict(*pair), pairs))
    for one, other in zip(alone, together):
        for name, value, again in zip(Matte._fields, one, other):
            assert np.array_equal(value, again), name


def test_several_matters_in_several_threads(weights):
    pairs, matter = [photos(48, 64, seed) for seed in range(4)], opened(weights, "paddle")
    alone = [matter.predict(*pair) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: opened(weights, "paddle").predict(*pair), pairs))
    for one, other in zip(alone, together):
        assert np.array_equal(one.pha, other.pha) and np.array_equal(one.fgr, other.fgr)


@pytest.mark.parametrize("backend", [name for name in NEEDS if name in HERE])
def test_context_manager(weights, backend, monkeypatch):
    kind, closed = engines._class_of(backend), []
    real = kind.close
    monkeypatch.setattr(kind, "close", lambda engine: (closed.append(engine.name), real(engine)))
    with opened(weights, backend) as matter:
        assert matter.predict(*photos(16, 16)).pha.shape == (16, 16)
        assert closed == []
    assert closed == [backend]


@pytest.mark.parametrize("backend", ("openvino", "onnxruntime"))
def test_without_paddle_once_the_graphs_are_there(weights, expected, cache, tmp_path, backend):
    opened(weights, backend)
    np.savez(tmp_path / "photos.npz", *photos(96, 160))
    script = """
import sys
import numpy as np
from model import Matter
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
