"""Every engine gives the mattes of the network itself, alone and in several threads."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bgmatting.model.inference.engines as engines
from bgmatting.model import Matte
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import EXPORTED, HERE, NEEDS, assert_alike, opened, photos


@pytest.mark.slow
@pytest.mark.parametrize("scale", (0.25, 0.5))
@pytest.mark.parametrize("backend", EXPORTED)
def test_every_engine_gives_what_paddle_gives(weights, expected, backend, scale):
    matter = opened(weights, backend, backbone_scale=scale)
    assert matter.settings["backend"] == backend and matter.settings["device"] == "cpu"
    assert_alike(matter.predict(*photos(96, 160)), expected(scale), 1e-4)
    assert expected(scale).ref.sum() == 3200


@pytest.mark.slow
@pytest.mark.parametrize("scale", (0.25, 0.5))
def test_another_backbone_and_kernel(small, scale):
    backend = "onnxruntime" if "onnxruntime" in HERE else "paddle-inference"
    one, other = (opened(small, name, backbone_scale=scale).predict(*photos(100, 75)) for name in ("paddle", backend))
    assert_alike(one, other, 1e-4)
    assert 0.2 < one.ref.mean() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("settings", [
    {"refine_mode": "full", "backbone_scale": 0.3}, {"refine_mode": "thresholding", "threshold": 0.42, "threads": 1},
    {"refine_mode": "thresholding", "threshold": 1.0}])
def test_other_settings(weights, settings):
    first, *others = (opened(weights, backend, **settings).predict(*photos(70, 45)) for backend in HERE)
    assert first.ref.any() == (settings.get("threshold") != 1)
    for other in others:
        assert_alike(first, other, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("backend", EXPORTED)
def test_a_batch_and_many_sizes(weights, backend, monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.engines.openvino.KEPT", 2)
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


def test_bf16_is_near(weights, expected):
    try:
        matter = opened(weights, "openvino", precision="bf16", backbone_scale=0.5)
    except UserError as error:
        assert "this CPU does not compute in bf16" in str(error)
        pytest.skip("this CPU does not compute in bf16")
    matte = matter.predict(*photos(96, 160))
    assert matter.settings["precision"] == "bf16"
    assert 0 < np.abs(matte.pha - expected(0.5).pha).mean() < 0.02


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


@pytest.mark.parametrize("backend", [name for name in NEEDS if name in HERE])
def test_cores_divided_among_calls(weights, backend):
    matter, pairs = opened(weights, backend), [photos(48, 64, seed) for seed in range(6)]
    alone = [matter.predict(*pair) for pair in pairs]
    for streams in (2, 1):
        matter.streams = streams
        assert matter.streams == (streams if backend == "openvino" else 1)
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(lambda pair: matter.predict(*pair), pairs))
        for one, other in zip(alone, together):
            np.testing.assert_allclose(one.pha, other.pha, atol=1e-5)
            np.testing.assert_allclose(one.fgr, other.fgr, atol=1e-5)
    with pytest.raises(UserError, match="at least 1, not 0"):
        matter.streams = 0


@pytest.mark.parametrize("backend", [name for name in NEEDS if name in HERE])
def test_bytes_are_the_rounded_numbers(weights, backend):
    pair = photos(64, 96)
    exact, brief = (opened(weights, backend, bits=bits).predict(*pair) for bits in (None, 8))
    for name, wanted, got in zip(Matte._fields, exact, brief):
        assert wanted.dtype == np.float32 and got.dtype == np.uint8, name
        off = np.abs(got - 255 * wanted.astype(np.float64))
        assert off.max() <= 0.5 + 1e-3, name  # a half may go either way
    with pytest.raises(ValueError):
        opened(weights, backend, bits=8).predict(*pair, dtype="int8")


@pytest.mark.parametrize("backend", [name for name in NEEDS if name in HERE])
def test_context_manager(weights, backend, monkeypatch):
    kind, closed = engines._class_of(backend), []
    real = kind.close
    monkeypatch.setattr(kind, "close", lambda engine: (closed.append(engine.name), real(engine)))
    with opened(weights, backend) as matter:
        assert matter.predict(*photos(16, 16)).pha.shape == (16, 16)
        assert closed == []
    assert closed == [backend]
