"""Weights files, a matte to compare with, and a cache that may be spoilt, for the tests of the engines."""
import shutil

import pytest

import bgmatting.model.inference.engines as engines
from bgmatting.model import MattingRefine
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
