"""The network in PyTorch is the project's own: the same numbers, and its weights go home by name."""
import numpy as np
import paddle
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")

from bgmatting.model.matting import MattingBase, MattingRefine  # noqa: E402
from bgmatting.model.weights import STARTER, load_torch_state, load_weights  # noqa: E402
from bgmatting.training.pytorch import store  # noqa: E402
from bgmatting.training.pytorch.network import Base  # noqa: E402
from bgmatting.training.pytorch.refiner import Matting, pasted, windows, worst  # noqa: E402

SIZE = (96, 128)


def pictures(seed=0):
    """src and bgr (2, 3, H, W) float32 in 0..1 that differ in a blot, smooth as photographs are."""
    rng = np.random.default_rng(seed)
    grid = rng.random((2, 3, 6, 8)).astype(np.float32)
    bgr = 0.8 * grid.repeat(SIZE[0] // 6, 2).repeat(SIZE[1] // 8, 3) + 0.1 * rng.random((2, 3, *SIZE), np.float32)
    src = bgr.copy()
    src[:, :, 20:80, 30:90] = rng.random((2, 3, 60, 60), np.float32)
    return src.astype(np.float32), bgr.astype(np.float32)


def starter(network):
    store.load(network, store.read_state(STARTER))
    return network.eval()


def test_base_is_the_projects():
    src, bgr = pictures()
    own = MattingBase("mobilenetv2")
    load_weights(own, STARTER, partial=True)
    own.eval()
    with torch.no_grad():
        out = starter(Base())(torch.from_numpy(src), torch.from_numpy(bgr))
    expected = own.coarse(paddle.to_tensor(src), paddle.to_tensor(bgr))
    for found, wanted in zip(out, expected):
        assert np.abs(found.numpy() - wanted.numpy()).max() < 2e-5
        assert np.abs(found.numpy() - wanted.numpy()).mean() < 1e-6


@pytest.mark.parametrize("scale, pixels", [(0.5, 2400), (0.25, 640), (0.5, 0)])
def test_whole_network_is_the_projects(scale, pixels):
    src, bgr = pictures(1)
    own = MattingRefine("mobilenetv2", backbone_scale=scale, refine_sample_pixels=pixels)
    load_weights(own, STARTER)
    own.eval()
    with torch.no_grad():
        out = starter(Matting())(torch.from_numpy(src), torch.from_numpy(bgr), scale, pixels)
    expected = own(paddle.to_tensor(src), paddle.to_tensor(bgr))
    assert np.array_equal(out.ref.numpy(), expected.ref_sm.numpy())
    for found, wanted in ((out.pha, expected.pha), (out.fgr, expected.fgr), (out.coarse.pha, expected.pha_sm)):
        assert np.abs(found.numpy() - wanted.numpy()).max() < 2e-5
        assert np.abs(found.numpy() - wanted.numpy()).mean() < 1e-6


def test_weights_go_home(tmp_path):
    network = Matting()
    store.write_weights(store.weights_of(network), tmp_path / "w.safetensors")
    home = MattingRefine("mobilenetv2")
    report = load_weights(home, tmp_path / "w.safetensors")
    assert not report.missing and not report.unexpected
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    report = load_torch_state(home, arrays)
    assert not report.missing and not report.unexpected
    assert np.array_equal(home.state_dict()["aspp.project.1._mean"].numpy(), arrays["aspp.project.1.running_mean"])


def test_what_was_not_refined_is_the_coarse_result():
    x, index = torch.rand(2, 4, 16, 24), torch.tensor([[0, 1, 2], [1, 3, 5]])
    patches = torch.rand(2, 4, 4, 4)
    out = pasted(x, patches, index)
    assert torch.equal(out[0, :, 4:8, 8:12], patches[0]) and torch.equal(out[1, :, 12:16, 20:24], patches[1])
    assert int((out != x).any(1).sum()) == 32
    assert torch.equal(windows(out, index, 4, 0), patches)


def test_worst_patches_only_where_something_is_wrong():
    err = torch.tensor([[0.0, 0.3, 0.1, 0.0]]).reshape(1, 1, 2, 2)
    assert worst(err, 1).flatten().tolist() == [0, 1, 0, 0]
    assert worst(err, 9).flatten().tolist() == [0, 1, 1, 0]
    assert worst(err, 0).sum() == 0


def test_missing_weights_are_told():
    state = store.weights_of(Base())
    del state["decoder.conv4.bias"]
    with pytest.raises(ValueError, match="decoder.conv4.bias"):
        store.load(Base(), state)
