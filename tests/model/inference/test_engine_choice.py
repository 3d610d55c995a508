""""auto" takes the fastest engine that works, and what does not work is passed over or said."""
import json
import sys
import warnings

import numpy as np
import pytest

from bgmatting.model import Matter
from bgmatting.model.inference.engines import choice
from bgmatting.model.inference.engines.base import EngineAbsent, EngineError
from bgmatting.model.inference.engines.eager import DygraphEngine
from bgmatting.model.inference.engines.graph_cache import SUMS
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import file_sha256
from tests.model.inference.engine_cases import CLASSES, HERE, ONNX, opened, refused


@pytest.mark.slow
def test_auto_takes_the_fastest_that_is_installed(weights, monkeypatch):
    left = ["openvino", "onnxruntime", "paddle"]
    while left:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            found = opened(weights, "auto").settings["backend"]
        assert found == next(name for name in left if name in HERE)
        missing = left.pop(0)
        if left:
            monkeypatch.setitem(sys.modules, missing, None)
            with pytest.raises(UserError, match=missing):
                Matter(weights, missing, "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("package", ONNX)
def test_a_package_that_the_export_needs_is_named(weights, package, monkeypatch, tmp_path):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)
    assert package in refused(weights, "onnxruntime")
    assert list(tmp_path.iterdir()) == []


def test_unknown_backend(weights):
    assert "'onnxruntime'" in refused(weights, "onnxruntim")


@pytest.mark.parametrize("backend, precision", [
    ("paddle", "bf16"), ("paddle", "fp16"), ("paddle-inference", "bf16"), ("onnxruntime", "bf16"), ("openvino", "fp16"),
    ("paddle", "int8"), ("onnxruntime", "int8"),     ("auto", "fp16")])
def test_precisions_that_an_engine_lacks(weights, backend, precision):
    said = refused(weights, backend, precision=precision)
    assert ("fp16 on cpu" if backend == "auto" else f"'{backend}'") in said


@pytest.mark.slow
@pytest.mark.parametrize("backend, graph", [("openvino", "coarse"), ("paddle-inference", "quarter")])
def test_an_engine_that_answers_wrongly_is_passed_over(weights, private, order, backend, graph):
    folder = private(backend)
    with np.load(folder / "check.npz") as stored:
        stored = dict(stored)
    stored[f"{graph}/answer"].flat[7] += 0.1 * max(1, np.abs(stored[f"{graph}/answer"]).max())
    np.savez(folder / "check.npz", **stored)
    sums = json.loads((folder / SUMS).read_text())
    (folder / SUMS).write_text(json.dumps({**sums, "check.npz": file_sha256(folder / "check.npz")}))
    assert f"its self-check failed: {graph} is off by 0." in refused(weights, backend)
    order(backend, "paddle")
    with pytest.warns(RuntimeWarning, match=f"backend {backend} is passed over: its self-check failed: {graph}"):
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"


@pytest.mark.parametrize("wrong", (lambda x: x * np.nan, lambda x: x[:, :8], lambda x: x + 1))
def test_answers_that_are_no_numbers_or_too_few(weights, monkeypatch, wrong):
    real = DygraphEngine.run
    monkeypatch.setattr(DygraphEngine, "run", lambda *args: wrong(real(*args)))
    assert "self-check" in refused(weights, "paddle", on_device=True)


@pytest.mark.parametrize("raised, said", [
    (RuntimeError("first line\nsecond line"), "RuntimeError: first line"), (KeyError(), "KeyError"),
    (EngineError("it is on fire"), "it is on fire")])
def test_an_engine_that_raises_is_passed_over(weights, order, monkeypatch, raised, said):
    def fail(*_):
        raise raised

    for kind in CLASSES.values():
        monkeypatch.setattr(kind, "__init__", fail)
    order("openvino", "onnxruntime", "paddle")
    with pytest.warns(RuntimeWarning) as warned:
        assert Matter(weights, "auto", "cpu").settings["backend"] == "paddle"
    (told,) = [str(warning.message) for warning in warned if warning.category is RuntimeWarning]
    assert "\n" not in told and told.startswith(f"backend openvino, onnxruntime are passed over: {said}")
    with pytest.raises(UserError, match=said):
        Matter(weights, "openvino", "cpu")


def imitated(asked, fails):
    """A class that stands for OpenVINO; ``asked`` gets the precisions tried, all but fp32 raise ``fails``."""
    class Engine:
        name = "openvino"

        def __init__(self, described, arrays, device, precision, *_):
            asked.append(precision)
            self.precision = precision
            if precision != "fp32" and fails is not None:
                raise fails
    return Engine


@pytest.mark.parametrize("capable, fails, asked, warned", [
    ("", None, ["fp32"], 0), ("bf16", None, ["bf16"], 0), ("int8", None, ["int8"], 0), ("bf16 int8", None, ["bf16"], 0),
    ("bf16", EngineError("its self-check failed: coarse is off by 0.5, allowed is 0.1"), ["bf16", "fp32"], 1),
    ("int8", EngineError("its self-check failed: coarse is off by 0.5, allowed is 0.2"), ["int8", "fp32"], 1),
    ("bf16", EngineAbsent("this CPU does not compute in bf16"), ["bf16", "fp32"], 0)])
@pytest.mark.parametrize("backend", ("auto", "openvino"))
def test_precision_auto_is_what_the_cpu_is_fastest_in_if_its_answers_are_right(weights, monkeypatch, backend, capable, fails,
                                                                               asked, warned):
    tried = []
    monkeypatch.setattr(choice, "_class_of", lambda name: imitated(tried, fails))
    monkeypatch.setattr(choice, "computes_in_bf16", lambda: "bf16" in capable)
    monkeypatch.setattr(choice, "computes_in_int8", lambda: "int8" in capable)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        matter = Matter(weights, backend, "cpu", precision="auto")
    assert tried == asked and matter.settings["precision"] == asked[-1]
    assert sum(f"openvino in {asked[0]} is passed over" in str(warning.message) for warning in caught) == warned
    assert choice._candidates("paddle", "cpu", "auto") == [("paddle", "fp32")]
