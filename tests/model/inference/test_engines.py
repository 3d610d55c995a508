"""Every engine gives the mattes of the network itself, alone and in several threads."""
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bgmatting.dataset.composite import blend
from bgmatting.dataset.generate import make_sample
from bgmatting.model import Matte
from bgmatting.model.inference.engines import choice
from bgmatting.model.inference.engines.base import EngineAbsent
from bgmatting.model.inference.engines.openvino import OpenvinoEngine
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import EXPORTED, HERE, assert_alike, opened, photos


@pytest.mark.slow
@pytest.mark.parametrize("scale", (0.25, 0.5))
@pytest.mark.parametrize("backend", EXPORTED)
def test_every_engine_gives_what_paddle_gives(shared, expected, backend, scale):
    matter = shared(backend, backbone_scale=scale)
    assert matter.settings["backend"] == backend and matter.settings["device"] == "cpu"
    assert_alike(matter.predict(*photos(96, 160)), expected(scale), 1e-4)
    assert expected(scale).ref.sum() == 3200


@pytest.mark.slow
def test_another_backbone_and_kernel(small):
    backend = "onnxruntime" if "onnxruntime" in HERE else "paddle-inference"
    matters = [opened(small, name, threads=1) for name in ("paddle", backend)]
    for scale in (0.25, 0.5):
        one, other = (matter.with_settings(backbone_scale=scale).predict(*photos(100, 75)) for matter in matters)
        assert_alike(one, other, 1e-4)
        assert 0.02 < one.ref.mean() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("settings", [
    {"refine_mode": "full", "backbone_scale": 0.3}, {"refine_mode": "thresholding", "threshold": 0.42},
    {"refine_mode": "thresholding", "threshold": 1.0}])
def test_other_settings(shared, settings):
    first, *others = (shared(backend, **settings).predict(*photos(70, 45)) for backend in HERE)
    assert first.ref.any() == (settings.get("threshold") != 1)
    for other in others:
        assert_alike(first, other, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("backend", EXPORTED)
def test_many_sizes(shared, backend, monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.engines.openvino.KEPT", 2)
    matter, sizes = shared(backend), [(16, 16), (48, 64), (1, 21)]
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


@pytest.mark.slow
def test_int8_is_near_and_its_ranges_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path))
    sample, kept = make_sample(100, 160, 224), []
    pair = blend(sample.fgr, sample.pha, sample.bgr), sample.bgr
    exact = opened(None, "openvino", backbone_scale=0.5).predict(*pair)
    (folder,) = tmp_path.iterdir()
    ranges = folder / "coarse.int8.json"
    for damage in (None, "{", '{"a": [0, 1]}', "[" * 100_000, '[{"a": "b"}, 1]', "a digit", None):
        if damage == "a digit":
            stored = ranges.read_text()
            place = re.search(r"\d\.\d{4}", stored).start()
            ranges.write_text(f"{stored[:place]}{(int(stored[place]) + 1) % 10}{stored[place + 1:]}")
        elif damage is not None:
            ranges.write_text(damage)
        matter = opened(None, "openvino", precision="int8", backbone_scale=0.5)
        kept.append(ranges.read_text())
        matte = matter.predict(*pair)
        assert matter.settings["precision"] == "int8"
        assert 0 < np.abs(matte.pha - exact.pha).mean() < 0.01
        assert 0 < (np.abs(matte.fgr - exact.fgr) * exact.pha[..., None]).mean() < 0.01
    assert len(set(kept)) == 1


def test_int8_is_refused_where_sums_would_overflow(monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.engines.openvino.computes_in_int8", lambda: False)
    with pytest.raises(EngineAbsent):
        OpenvinoEngine({}, {}, "cpu", "int8", "0" * 64)


@pytest.mark.parametrize("method", ("modnet", "dim"))
def test_int8_is_of_the_method_background(method):
    with pytest.raises(EngineAbsent):
        OpenvinoEngine({"method": method}, {}, "cpu", "int8", "0" * 64)


@pytest.mark.parametrize("backend", HERE)
def test_threads_get_what_one_gets_also_where_they_share_the_cores(shared, backend):
    matter = shared(backend)
    pairs = [photos(*size, seed) for seed, size in enumerate([(48, 64), (64, 48)] * 2)]
    alone = [matter.predict(*pair) for pair in pairs]
    for streams in (1, 2, 1):
        matter.streams = streams
        assert matter.streams == (streams if backend == "openvino" else 1)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda pair: matter.predict(*pair), pairs))
        for one, other in zip(alone, together):
            for name, value, again in zip(Matte._fields, one, other):
                np.testing.assert_allclose(value, again, rtol=0, atol=0 if streams == 1 else 1e-5, err_msg=name)
    with pytest.raises(UserError):
        matter.streams = 0


@pytest.mark.parametrize("backend", HERE)
def test_bytes_are_the_rounded_numbers(shared, backend):
    pair = photos(64, 96)
    exact, brief = (shared(backend, bits=bits).predict(*pair) for bits in (None, 8))
    for name, wanted, got in zip(Matte._fields, exact, brief):
        assert wanted.dtype == np.float32 and got.dtype == np.uint8, name
        assert np.abs(got - 255 * wanted.astype(np.float64)).max() <= 0.5 + 1e-3, name  # a half may go either way


def test_context_manager(weights, monkeypatch):
    closed = []
    monkeypatch.setattr(choice._class_of("paddle"), "close", lambda engine: closed.append(engine.name))
    with opened(weights, "paddle") as matter:
        assert matter.predict(*photos(16, 16)).pha.shape == (16, 16) and closed == []
    assert closed == ["paddle"]
