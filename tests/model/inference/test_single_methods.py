"""MODNet and DIM through Matter: told from their weights, alike by every engine, and what they do not give is said."""
import dataclasses
import importlib.util

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from bgmatting.model import Matter
from bgmatting.model.inference.engines.onnx import OnnxEngine
from bgmatting.model.inference.engines.paddle_inference import InferenceEngine
from bgmatting.model.inference.foreground import estimate_foreground
from bgmatting.model.methods import find_method, modnet
from bgmatting.model.methods.recognition import recognised
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import NEEDS, opened
from tests.model.paddleseg import seeded_array, seeded_network, stored_names

NETWORKS = ("modnet_mobilenetv2", "modnet_resnet50_vd", "modnet_hrnet_w18", "dim_vgg16")
RUN = ("modnet_mobilenetv2", "dim_vgg16")  # the smallest of each method


def picture(height, width, seed=0):
    """Uneven colours, as random noise has none of a photo's scales."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, 0).repeat(8, 1)[:height, :width])


def banded(height, width):
    """A trimap with all three values, in columns."""
    trimap = np.full((height, width), 128, np.uint8)
    trimap[:, :width // 4], trimap[:, -(width // 4):] = 0, 255
    return trimap


def extra(case, height, width):
    return {"trimap": banded(height, width)} if case == "dim_vgg16" else {}


@pytest.fixture(scope="module", autouse=True)
def small():
    """MODNet looks at 96 pixels of a photo's shorter side in place of 512, and is as much faster."""
    with pytest.MonkeyPatch.context() as patch:
        rule = dataclasses.replace(modnet.METHOD.rule, short=96)
        patch.setattr(modnet, "METHOD", dataclasses.replace(modnet.METHOD, rule=rule))
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """files(case) -> a weights file with PaddleSeg's names; of "modnet_authors" with those of MODNet's authors."""
    folder, made = tmp_path_factory.mktemp("weights"), {}

    def write(case):
        if case not in made:
            arrays = {name: seeded_array(name, shape) for name, shape in stored_names(case).items()}
            suffix = "safetensors" if case == "modnet_authors" else "pdparams"
            made[case] = folder / f"{case}.{suffix}"
            if suffix == "safetensors":
                save_file(arrays, made[case])
            else:
                paddle.save({name: paddle.to_tensor(array) for name, array in arrays.items()}, str(made[case]))
        return made[case]

    return write


@pytest.fixture(scope="module")
def by_layers():
    """by_layers(case, src) -> what the network and its method give, without Matter."""
    def matte(case, src):
        method, network = find_method(case.split("_")[0]), seeded_network(case)
        given = extra(case, *src.shape[:2]).get("trimap")
        with paddle.no_grad():
            out = method.answer(network, *map(paddle.to_tensor, method.inputs(src, given)))
        return method.matte(out["pha"][0, 0].numpy(), *src.shape[:2], given)
    return matte


@pytest.mark.slow
@pytest.mark.parametrize("backend", NEEDS)
@pytest.mark.parametrize("case, size", [("modnet_mobilenetv2", (301, 260)), ("dim_vgg16", (67, 50))])
def test_every_engine_gives_what_the_layers_give(files, by_layers, backend, case, size):
    src = picture(*size)
    with opened(files(case), backend, sample_pixels=None) as matter:
        assert matter.settings["backend"] == backend and matter.settings["method"] == case.split("_")[0]
        pha = matter.predict(src, want=("pha",), **extra(case, *size)).pha
    assert pha.shape == size and pha.dtype == np.float32 and pha.std() > 0.05
    assert np.abs(pha - by_layers(case, src)).max() < 1e-4


@pytest.mark.slow
def test_an_engine_whose_answers_are_wrong_is_passed_over(files, order, monkeypatch):
    opened(files("dim_vgg16"), "onnxruntime", sample_pixels=None).close()
    order("onnxruntime", "paddle")
    real = OnnxEngine.run
    monkeypatch.setattr(OnnxEngine, "run", lambda self, graph, inputs: real(self, graph, inputs) + 0.01)
    with pytest.warns(RuntimeWarning, match="onnxruntime is passed over: its self-check failed: network is off by 0.01"):
        assert opened(files("dim_vgg16"), "auto", sample_pixels=None).settings["backend"] == "paddle"
    monkeypatch.setattr(InferenceEngine, "run", lambda self, graph, inputs: np.full((1, 1, 96, 128), np.nan, np.float32))
    with pytest.raises(UserError, match="paddle-inference.*self-check failed"):
        opened(files("dim_vgg16"), "paddle-inference", sample_pixels=None)


# ---- what a file is of

@pytest.mark.parametrize("case", NETWORKS)
def test_names_of_paddleseg_are_told(case):
    method, backbone = case.split("_", 1)
    names = dict.fromkeys(stored_names(case))
    assert find_method(method).recognise(names) == {"backbone": backbone}
    assert [name for name in ("background", "modnet", "dim") if find_method(name).recognise(names)] == [method]


def test_names_of_modnets_authors_are_told_and_run(files, by_layers):
    method, described = recognised(files("modnet_authors"))
    assert (method.name, described) == ("modnet", {"backbone": "mobilenetv2"})
    with Matter(files("modnet_authors"), "paddle", "cpu") as matter:
        pha = matter.predict(picture(64, 64)).pha
    assert 0 <= pha.min() < pha.max() <= 1 and pha.shape == (64, 64)


@pytest.mark.parametrize("header, said", [
    ({"method": "dmi"}, "its header names the method 'dmi'. Did you mean 'dim'"),
    ({"method": "dim"}, "its names are not those of the method dim"), ({}, "its names are not those of a matting network")])
def test_what_is_no_methods(tmp_path, header, said):
    save_file({"some.weight": np.zeros(3, np.float32)}, tmp_path / "w.safetensors", header)
    for use in (recognised, Matter):
        with pytest.raises(UserError, match=said) as error:
            use(tmp_path / "w.safetensors")
        assert "w.safetensors" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("argument", [{"refine_mode": "full"}, {"sample_pixels": 100}, {"backbone_scale": 0.25},
                                      {"threshold": 0.2}])
def test_settings_of_the_refiner_are_refused(files, argument):
    name, value = argument.popitem()
    with pytest.raises(UserError, match=f"{name.replace('_', ' ')} {value} is for the method background.*modnet"):
        Matter(files("modnet_mobilenetv2"), **{name: value})


# ---- what is given and wanted

@pytest.fixture(scope="module", params=RUN)
def matter(request, files):
    with Matter(files(request.param), "paddle", "cpu") as matter:
        matter.case = request.param
        yield matter


def test_colours_come_from_pymatting(matter):
    pytest.importorskip("pymatting")
    src = picture(48, 40)
    found = matter.predict(src, want=("fgr", "pha"), **extra(matter.case, 48, 40))
    assert found.fgr.shape == (48, 40, 3) and found.fgr.dtype == found.pha.dtype == np.float32
    assert found.err is None and found.ref is None
    with_colours = estimate_foreground(src, banded(48, 40) / np.float32(255))
    assert np.abs(255 * with_colours[:, -8:] - src[:, -8:]).max() < 2
    small = matter.predict(src, want=("fgr", "pha"), dtype="uint8", **extra(matter.case, 48, 40))
    assert small.pha.dtype == small.fgr.dtype == np.uint8 and np.abs(small.fgr - 255 * found.fgr).max() <= 0.501


def test_without_pymatting_alpha_is_there_and_colours_are_not(matter, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pymatting" else real(name))
    given = extra(matter.case, 40, 40)
    assert matter.predict(picture(40, 40), **given).fgr is None
    with pytest.raises(UserError, match="pip install pymatting"):
        matter.predict(picture(40, 40), want=("pha", "fgr"), **given)


@pytest.mark.parametrize("name", ("err", "ref"))
def test_what_a_method_does_not_give(matter, name):
    with pytest.raises(UserError, match=f"no {name}, which is of the method background"):
        matter.predict(picture(40, 40), want=("pha", name), **extra(matter.case, 40, 40))


def test_strips_are_one_and_a_batch_is_its_photos(matter):
    pictures, strips = [picture(40, 52, seed) for seed in (1, 2)], []
    trimaps = [banded(40, 52)] * 2 if matter.case == "dim_vgg16" else None
    both = matter.predict_batch(pictures, trimaps=trimaps)
    assert not np.array_equal(both[0].pha, both[1].pha)
    given = extra(matter.case, 40, 52)
    assert matter.predict(pictures[1], rows=lambda top, matte: strips.append((top, matte)), **given) is None
    assert [top for top, _ in strips] == [0]
    np.testing.assert_array_equal(strips[0][1].pha, both[1].pha)


@pytest.mark.parametrize("size", [(5, 7), (20, 400), (1, 1)])
def test_small_photos(matter, size):
    if matter.case != "dim_vgg16" and size != (5, 7):
        pytest.skip("MODNet enlarges them to hundreds of millions of pixels, or as (5, 7)")
    pha = matter.predict(picture(*size), **extra(matter.case, *size)).pha
    assert pha.shape == size and np.isfinite(pha).all()


def test_pictures_that_do_not_go_together(matter):
    src, trimap = picture(40, 40), banded(40, 40)
    wrong = [{"bgr": src}, {"bgr": src, "trimap": trimap}, {"trimap": banded(40, 41)}, {"trimap": src}]
    wrong.append({} if matter.case == "dim_vgg16" else {"trimap": trimap})
    for given in wrong:
        with pytest.raises(ValueError, match="needs src|must have one size|must be uint8"):
            matter.predict(src, **given)


def test_background_wants_its_pair(weights):
    with Matter(weights, "paddle", "cpu") as matter:
        assert matter.method.name == "background"
        for given in ({}, {"trimap": banded(40, 40)}, {"bgr": picture(40, 40), "trimap": banded(40, 40)}):
            with pytest.raises(ValueError, match="background needs src and bgr"):
                matter.predict(picture(40, 40), **given)
