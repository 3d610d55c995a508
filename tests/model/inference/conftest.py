"""Weights files, engines opened once for all tests, and a cache that may be spoilt."""
import shutil

import pytest

from bgmatting.model import MattingRefine
from bgmatting.model.inference.engines import choice
from bgmatting.model.weights import save_weights
from tests.model.inference.engine_cases import graphs_of, opened, photos
from tests.model.reference import reference_network


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "whole.safetensors"
    save_weights(reference_network(MattingRefine, "mobilenetv2"), path)
    return path


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Weights of another backbone, with refiner kernels of 1."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(reference_network(MattingRefine, "mobilenetv3", refine_kernel_size=1), path)
    return path


@pytest.fixture(scope="session")
def shared(weights):
    """shared(backend, on_device, **changes) -> a Matter with those settings; each engine is opened once."""
    made = {}

    def matter(backend="paddle", on_device=None, **changes):
        if (backend, on_device) not in made:
            made[backend, on_device] = opened(weights, backend, on_device=on_device)
        return made[backend, on_device].with_settings(**changes)

    return matter


@pytest.fixture(scope="session")
def expected(shared):
    """expected(scale) -> the Matte of ``photos(96, 160)`` by the engine "paddle"."""
    found = {}
    return lambda scale: found.get(scale) or found.setdefault(
        scale, shared(backbone_scale=scale).predict(*photos(96, 160)))


@pytest.fixture
def private(weights, shared, cache, tmp_path, monkeypatch):
    """private(backend) -> the folder of its exported graphs, in a cache that the test may spoil."""
    def copy(backend):
        shared(backend)
        folder = graphs_of(weights, backend, cache)
        shutil.copytree(folder, tmp_path / "cache" / folder.name)
        monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache" / folder.name

    return copy


@pytest.fixture
def order(monkeypatch):
    """order(*backends): what "auto" tries on a CPU."""
    return lambda *backends: monkeypatch.setitem(choice.FASTEST, "cpu", backends)
