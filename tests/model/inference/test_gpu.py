"""On a GPU: the mattes of the CPU, to what its arithmetic allows. Skipped where there is none."""
import numpy as np
import paddle
import pytest

from bgmatting.model import Matter
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import photos

pytestmark = pytest.mark.gpu


def difference(one, other):
    """Mean of the differences of alpha where the same patches were refined."""
    same = one.ref == other.ref
    assert same.mean() > 0.98
    return np.abs(one.pha - other.pha)[same].mean()


@pytest.mark.parametrize("backend", ("auto", "paddle", "paddle-inference"))
@pytest.mark.parametrize("mode", ("sampling", "thresholding", "full"))
def test_the_mattes_of_the_cpu(weights, backend, mode):
    settings = {"backbone_scale": 0.25, "refine_mode": mode, "sample_pixels": 1600, "threshold": 0.42}
    matter = Matter(weights, backend, "gpu", **settings)
    assert matter.settings["device"] == "gpu:0" and matter.settings["tf32"] is False
    for size in ((96, 160), (61, 45)):
        expected = Matter(weights, "paddle", "cpu", **settings).predict(*photos(*size))
        assert difference(matter.predict(*photos(*size)), expected) < 1e-4


@pytest.mark.parametrize("precision", ("fp16", "bf16"))
def test_half_precision_is_near_or_refused(weights, precision):
    try:
        matter = Matter(weights, device="gpu", precision=precision, backbone_scale=0.5)
    except UserError as error:
        return pytest.skip(str(error))
    expected = Matter(weights, "paddle", "cpu", backbone_scale=0.5).predict(*photos(96, 160))
    assert difference(matter.predict(*photos(96, 160)), expected) < 0.02
    return None


def test_the_last_gpu_alone_is_used(weights):
    number = paddle.device.cuda.device_count() - 1
    before = paddle.get_device()
    matter = Matter(weights, device=f"gpu:{number}")
    assert matter.predict(*photos(64, 96), dtype="uint8").fgr.dtype == np.uint8
    assert str(matter.device_matting._network.parameters()[0].place).endswith(f"{number})")
    assert paddle.get_device() == before
