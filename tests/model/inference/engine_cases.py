"""What the tests of the engines share: which are here, photos, and how mattes are compared."""
import importlib.util
import warnings

import numpy as np
import pytest

from bgmatting.model import Matter
from bgmatting.model.inference.engines import graph_cache as exported
from bgmatting.model.inference.engines.onnx import OnnxEngine
from bgmatting.model.inference.engines.openvino import OpenvinoEngine
from bgmatting.model.inference.engines.paddle_inference import InferenceEngine
from bgmatting.model.weights import file_sha256
from bgmatting.utils.errors import UserError

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
