"""What a GPU does, run on the CPU: the same mattes as with the host's part, and only bytes go to and fro."""
import cv2
import numpy as np
import paddle
import pytest

from bgmatting.model import Matte, Matter
from bgmatting.model.inference.engines import device as devices_module
from bgmatting.model.inference.engines import makers
from bgmatting.model.inference.engines.base import EngineAbsent
from bgmatting.model.refinement import NOTHING, Refinement
from bgmatting.model.refiner import Refiner
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import set_tf32
from tests.model.inference.engine_cases import assert_alike, photos

SIZES = [(96, 160), (100, 148), (61, 45), (8, 12), (5, 9)]
THRESHOLD = 0.42
BOUND = 1e-4 if int(cv2.__version__.split(".")[0]) >= 5 else 0.05  # before, it rounds places to a 32nd of a pixel


def opened(weights, **settings):
    """The same network with the host's part, and with all the work on the device."""
    return [Matter(weights, "paddle", "cpu", on_device=there, **settings) for there in (None, True)]


@pytest.mark.parametrize("scale", (0.25, 0.5, 0.3))
@pytest.mark.parametrize("mode", ("sampling", "thresholding", "full"))
def test_the_device_gives_what_the_host_gives(weights, scale, mode):
    host, device = opened(weights, backbone_scale=scale, refine_mode=mode, sample_pixels=1600, threshold=THRESHOLD)
    assert host.device_matting is None and device.device_matting is not None
    for height, width in SIZES:
        if scale == 0.3 and height < 60:
            continue  # paddle takes the first row where one is left
        src, bgr = photos(height, width)
        one, other = host.predict(src, bgr), device.predict(src, bgr)
        for name in Matte._fields:
            assert getattr(other, name).shape == getattr(one, name).shape and getattr(other, name).dtype == np.float32
        assert_alike(one, other, BOUND)


def test_bytes_go_up_and_only_what_is_wanted_comes_back(weights, monkeypatch):
    _, matter = opened(weights, sample_pixels=1600)
    seen, real = [], matter.device_matting.compute

    def compute(src, bgr, *settings):
        made = real(src, bgr, *settings)
        seen.append(([str(x.dtype).split(".")[-1] for x in (src, bgr)], [list(x.shape) for x in (src, bgr)],
                     {name: (str(x.dtype).split(".")[-1], list(x.shape)) for name, x in made.items()}))
        return made

    monkeypatch.setattr(matter.device_matting, "compute", compute)
    matter.predict(*photos(64, 48), ("pha", "fgr"), dtype="uint8")
    matter.predict(*photos(64, 48), ("err",), dtype="float16")
    for dtypes, shapes, _ in seen:
        assert dtypes == ["uint8", "uint8"] and shapes == [[64, 48, 3]] * 2
    assert seen[0][2] == {"pha": ("float32", [64, 48]), "fgr": ("uint8", [64, 48, 3]), "residual": ("float32", [32, 24, 3])}
    assert seen[1][2] == {"err": ("float16", [64, 48])}


@pytest.mark.parametrize("there", (False, True))
def test_what_comes_back_may_be_rounded(weights, there):
    matter = opened(weights, sample_pixels=1600)[there]
    exact = matter.predict(*photos(61, 45))
    for name, value in matter.predict(*photos(61, 45), dtype="uint8")._asdict().items():
        assert value.dtype == np.uint8
        assert np.array_equal(value, np.floor(getattr(exact, name) * np.float32(255) + np.float32(0.5)).astype(np.uint8))
    for name, value in matter.predict(*photos(61, 45), dtype="float16")._asdict().items():
        assert value.dtype == np.float16 and np.abs(value - getattr(exact, name)).max() < 5e-4
    with pytest.raises(ValueError, match="float32, float16, uint8, not as int8"):
        matter.predict(*photos(61, 45), dtype="int8")


@pytest.mark.parametrize("mode", ("thresholding", "full"))
def test_memory_bounds_the_blocks_at_once_and_not_the_matte(weights, monkeypatch, mode):
    counts, real = [], Refiner._refined
    monkeypatch.setattr(Refiner, "_refined", lambda refiner, half, images, index: counts.append(index.shape[0]) or real(
        refiner, half, images, index))
    mattes = []
    for memory, most in ((None, 925), (8, 160), (0.8, 16)):
        counts.clear()
        matter = Matter(weights, "paddle", "cpu", 0.25, mode, threshold=THRESHOLD, max_memory=memory, on_device=True)
        mattes.append(matter.predict(*photos(100, 148)))
        if memory is None:
            assert len(counts) == (mode != "full")  # everything at once is no patches at all
        else:
            assert len(counts) > 1 and max(counts) <= most
    for other in mattes[1:]:
        assert_alike(mattes[0], other, 1e-5)
        assert np.array_equal(mattes[0].ref, other.ref)


def test_the_refinement_of_a_call(weights):
    matting = opened(weights)[1].device_matting
    refined = [matting(*photos(32, 48), 0.25, refinement, ("ref",)).ref.sum()
               for refinement in (NOTHING, Refinement("full"), Refinement("sampling", 160))]
    assert refined == [0, 32 * 48, 160]


def test_other_engines_keep_the_hosts_part(weights):
    assert Matter(weights, "paddle-inference", "cpu").device_matting is None


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
    built, real = [], makers.MattingRefine
    monkeypatch.setattr(makers, "MattingRefine", lambda *args, **more: built.append(devices[-1]) or real(*args, **more))
    matter = Matter(weights, "paddle", "cpu")
    assert built == ["cpu"] and set(devices) == {"gpu:0", "cpu"} and devices[-1] == "gpu:0"
    layer, ran = matter._engine._layers["coarse"], []
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda *given: ran.append(devices[-1]) or forward(*given))
    matter.predict(*photos(16, 16))
    assert ran == ["cpu"] and devices[-1] == "gpu:0"


def test_paddle_inference_on_a_gpu_takes_the_hosts_part(weights, monkeypatch):
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
    matter = Matter(weights, "paddle-inference", "gpu:1", sample_pixels=1600, backbone_scale=0.25)
    assert_alike(matter.predict(*photos(96, 160)),
                 Matter(weights, "paddle", "cpu", 0.25, sample_pixels=1600).predict(*photos(96, 160)), 1e-4)
    assert set(asked) == {1} and matter.settings.device == "gpu:1"


@pytest.mark.parametrize("precision, has, said", [
    ("bf16", (7, 5), "gpu:1 does not compute in bf16: that takes compute capability 8.0, and it has 7.5"),
    ("fp16", (5, 0), "gpu:1 does not compute in fp16: that takes compute capability 5.3, and it has 5.0"),
    ("bf16", (8, 0), None), ("fp16", (9, 0), None), ("fp32", (3, 0), None)])
def test_a_precision_that_a_card_lacks(monkeypatch, precision, has, said):
    monkeypatch.setattr(paddle.device.cuda, "get_device_capability", lambda number: has if number == 1 else (0, 0))
    if said is None:
        return devices_module.check_precision("gpu:1", precision)
    with pytest.raises(EngineAbsent) as error:
        devices_module.check_precision("gpu:1", precision)
    return None if str(error.value) == said else pytest.fail(str(error.value))


def test_what_a_gpu_fails_at_is_said_in_one_line(weights, monkeypatch):
    _, matter = opened(weights)
    raised = MemoryError("\n--------\nC++ Traceback\n0 phi::Malloc\n\n"
                         "ResourceExhaustedError: Out of memory on GPU 0.\n [Hint]")

    def fail(*_):
        raise raised

    monkeypatch.setattr(matter.device_matting, "compute", fail)
    with pytest.raises(MemoryError):
        matter.predict(*photos(16, 16))
    matter.device_matting._device = "gpu:0"
    monkeypatch.setattr("bgmatting.model.inference.device.place_of", lambda device: paddle.CPUPlace())
    monkeypatch.setattr(paddle, "set_device", lambda device: None)
    with pytest.raises(UserError) as error:
        matter.predict(*photos(16, 16))
    assert str(error.value) == ("gpu:0 failed: MemoryError: ResourceExhaustedError: Out of memory on GPU 0.. A smaller "
                                "--max-memory takes less of its memory; --device cpu does without it.")


def test_tf32_is_a_setting(monkeypatch):
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    assert set_tf32(True) is True
    assert set_tf32(False) is False and set_tf32(True) is False  # one for the process
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    assert set_tf32(False) is True
