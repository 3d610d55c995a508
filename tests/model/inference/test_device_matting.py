"""What a GPU does, run on the CPU: the same mattes as with the host's part, and only bytes go to and fro."""
import cv2
import numpy as np
import paddle
import pytest

from bgmatting.model import Matte, Matter
from bgmatting.model.inference.engines import device as devices_module
from bgmatting.model.inference.engines import graphs
from bgmatting.model.inference.engines.base import EngineAbsent
from bgmatting.model.refinement import NOTHING, Refinement
from bgmatting.model.refiner import Refiner
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import set_tf32
from tests.model.inference.engine_cases import assert_alike, photos

SIZES = [(96, 160), (61, 45), (8, 12), (5, 9)]
BOUND = 1e-4 if int(cv2.__version__.split(".")[0]) >= 5 else 0.05  # before, it rounds places to a 32nd of a pixel


@pytest.fixture
def matter(shared):
    """All the work is done on the device."""
    return shared(on_device=True)


@pytest.mark.parametrize("scale", (0.25, 0.5, 0.3, 1, "auto"))
@pytest.mark.parametrize("mode", ("sampling", "thresholding", "full"))
def test_the_device_gives_what_the_host_gives(shared, scale, mode):
    host, device = (shared(on_device=there, backbone_scale=scale, refine_mode=mode, threshold=0.42, unmix=True, fill=True)
                    for there in (None, True))
    assert host.device_matting is None and device.device_matting is not None
    for height, width in SIZES:
        if scale == 0.3 and height < 60:
            continue  # paddle takes the first row where one is left
        src, bgr = photos(height, width)
        one, other = host.predict(src, bgr), device.predict(src, bgr)
        for name in Matte._fields:
            assert getattr(other, name).shape == getattr(one, name).shape and getattr(other, name).dtype == np.float32
        assert_alike(one, other, BOUND)


def test_bytes_go_up_and_only_what_is_wanted_comes_back(shared, monkeypatch):
    matter = shared(on_device=True, unmix=True)
    seen, real = [], matter.device_matting.compute

    def compute(src, bgr, *settings):
        made = real(src, bgr, *settings)
        kinds = {name: (str(x.dtype).split(".")[-1], list(x.shape)) for name, x in made.items()}
        seen.append(([str(x.dtype).split(".")[-1] for x in (src, bgr)], kinds))
        return made

    monkeypatch.setattr(matter.device_matting, "compute", compute)
    matter.predict(*photos(64, 48), ("pha", "fgr"), dtype="uint8")
    matter.predict(*photos(64, 48), ("err",), dtype="float16")
    assert seen == [(["uint8"] * 2, {"pha": ("float32", [64, 48]), "fgr": ("uint8", [64, 48, 3]),
                                     "residual": ("float32", [32, 24, 3]), "doubt": ("float32", [64, 48])}),
                    (["uint8"] * 2, {"err": ("float16", [64, 48])})]


@pytest.mark.parametrize("there", (None, True))
def test_what_comes_back_may_be_rounded(shared, there):
    matter = shared(on_device=there)
    exact = matter.predict(*photos(61, 45))
    for name, value in matter.predict(*photos(61, 45), dtype="uint8")._asdict().items():
        assert value.dtype == np.uint8
        assert np.array_equal(value, np.floor(getattr(exact, name) * np.float32(255) + np.float32(0.5)).astype(np.uint8))
    for name, value in matter.predict(*photos(61, 45), dtype="float16")._asdict().items():
        assert value.dtype == np.float16 and np.abs(value - getattr(exact, name)).max() < 5e-4
    with pytest.raises(ValueError):
        matter.predict(*photos(61, 45), dtype="int8")


@pytest.mark.parametrize("mode", ("thresholding", "full"))
def test_memory_bounds_the_blocks_at_once_and_not_the_matte(shared, monkeypatch, mode):
    counts, mattes, real = [], [], Refiner._refined
    monkeypatch.setattr(Refiner, "_refined", lambda refiner, half, images, index: counts.append(index.shape[0]) or real(
        refiner, half, images, index))
    matter = shared(on_device=True, backbone_scale=0.25, refine_mode=mode, threshold=0.42)
    for most in (None, 160, 16):
        counts.clear()
        monkeypatch.setattr(matter.device_matting, "_most", most)
        mattes.append(matter.predict(*photos(100, 148)))
        # everything at once is no patches at all
        assert len(counts) == (mode != "full") if most is None else len(counts) > 1 and max(counts) <= most
    for other in mattes[1:]:
        assert_alike(mattes[0], other, 1e-5)
        assert np.array_equal(mattes[0].ref, other.ref)


def test_memory_that_is_given(weights):
    assert Matter(weights, "paddle", "cpu", max_memory=8, on_device=True).device_matting._most == 160
    with pytest.raises(UserError, match=r"0\.8"):
        Matter(weights, "paddle", "cpu", max_memory=0.1)


def test_the_refinement_of_a_call(matter):
    refined = [matter.device_matting(*photos(32, 48), 0.25, refinement, ("ref",)).ref.sum()
               for refinement in (NOTHING, Refinement("full"), Refinement("sampling", 160))]
    assert refined == [0, 32 * 48, 160]


# ---- without a GPU: what would be asked of one

@pytest.fixture
def devices(monkeypatch):
    """Paddle's current device, which may be any, and the list of those that were set."""
    asked = ["gpu:0"]
    monkeypatch.setattr(paddle, "get_device", lambda: asked[-1])
    monkeypatch.setattr(paddle, "set_device", asked.append)
    return asked


def test_a_device_is_made_current_before_work_and_given_back(devices):
    with devices_module.on_device("gpu:1"):
        assert devices == ["gpu:0", "gpu:1"]
    assert devices == ["gpu:0", "gpu:1", "gpu:0"]
    with devices_module.on_device("gpu:0"):
        assert len(devices) == 3


def test_on_a_cpu_nothing_is_made_on_a_gpu(weights, devices, monkeypatch):
    built, real = [], graphs.network_of
    monkeypatch.setattr(graphs, "network_of", lambda *args: built.append(devices[-1]) or real(*args))
    matter = Matter(weights, "paddle", "cpu")
    layer, ran = matter._engine._layers["coarse"], []
    assert built == ["cpu"] and set(devices) == {"gpu:0", "cpu"} and devices[-1] == "gpu:0"
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda *given: ran.append(devices[-1]) or forward(*given))
    matter.predict(*photos(16, 16))
    assert ran == ["cpu"] * 2 and devices[-1] == "gpu:0"


def test_paddle_inference_on_a_gpu_takes_the_hosts_part(weights, expected, monkeypatch):
    from paddle import inference
    asked, real = [], inference.Config.disable_gpu
    monkeypatch.setattr("bgmatting.model.inference.matter.find_device", lambda name: name)
    monkeypatch.setattr("bgmatting.model.inference.matter.set_tf32", lambda wanted: wanted)

    class Config(inference.Config):
        def enable_use_gpu(self, memory, number):
            asked.append(number)
            real(self)
            if hasattr(self, "disable_mkldnn"):
                self.disable_mkldnn()

    monkeypatch.setattr(inference, "Config", Config)
    matter = Matter(weights, "paddle-inference", "gpu:1", sample_pixels=3200, backbone_scale=0.25, unmix=False)
    assert matter.device_matting is None
    assert_alike(matter.predict(*photos(96, 160)), expected(0.25), 1e-4)
    assert set(asked) == {1} and matter.settings.device == "gpu:1"


@pytest.mark.parametrize("precision, has, lacks", [
    ("bf16", (7, 5), True), ("fp16", (5, 0), True), ("bf16", (8, 0), False), ("fp16", (9, 0), False),
    ("fp32", (3, 0), False)])
def test_a_precision_that_a_card_lacks(monkeypatch, precision, has, lacks):
    monkeypatch.setattr(paddle.device.cuda, "get_device_capability", lambda number: has if number == 1 else (0, 0))
    if not lacks:
        return devices_module.check_precision("gpu:1", precision)
    with pytest.raises(EngineAbsent, match=f"gpu:1.*{precision}.*{has[0]}.{has[1]}"):
        return devices_module.check_precision("gpu:1", precision)


def test_what_a_gpu_fails_at_is_said_in_one_line(matter, monkeypatch):
    def fail(*_):
        raise MemoryError("\n--------\nC++ Traceback\n0 phi::Malloc\n\nResourceExhaustedError: Out of memory.\n [Hint]")

    monkeypatch.setattr(matter.device_matting, "compute", fail)
    with pytest.raises(MemoryError):
        matter.predict(*photos(16, 16))
    monkeypatch.setattr(matter.device_matting, "_device", "gpu:0")
    monkeypatch.setattr("bgmatting.model.inference.device_matting.place_of", lambda device: paddle.CPUPlace())
    monkeypatch.setattr(paddle, "set_device", lambda device: None)
    with pytest.raises(UserError, match="gpu:0 .*ResourceExhaustedError: Out of memory.*--max-memory.*--device") as error:
        matter.predict(*photos(16, 16))
    assert "\n" not in str(error.value)


def test_tf32_is_a_setting(monkeypatch):
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    assert set_tf32(True) is True
    assert set_tf32(False) is False and set_tf32(True) is False  # one for the process
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    assert set_tf32(False) is True
