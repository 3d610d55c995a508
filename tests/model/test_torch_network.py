"""The network in PyTorch is the project's own: the same numbers, and its weights go home by name."""
import numpy as np
import paddle
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")

from safetensors.torch import save_file  # noqa: E402

from bgmatting.model.export.torch_network import (  # noqa: E402
    BACKBONES,
    Base,
    Matting,
    choose_patches,
    load_state,
    state_of,
    torch_state,
)
from bgmatting.model.matting import MattingRefine  # noqa: E402
from bgmatting.model.refinement import Refinement  # noqa: E402
from bgmatting.model.weights import STARTER, load_weights, read_weights  # noqa: E402
from tests.model.reference import reference_network, reference_state, stored_names  # noqa: E402

SIZE = (96, 128)


def images(seed=0):
    """src and bgr (2, 3, H, W) float32 in 0..1 that differ in a blot, smooth as photos are."""
    rng = np.random.default_rng(seed)
    grid = rng.random((2, 3, 6, 8)).astype(np.float32)
    bgr = 0.8 * grid.repeat(SIZE[0] // 6, 2).repeat(SIZE[1] // 8, 3) + 0.1 * rng.random((2, 3, *SIZE), np.float32)
    src = bgr.copy()
    src[:, :, 20:80, 30:90] = rng.random((2, 3, 60, 60), np.float32)
    return src.astype(np.float32), bgr.astype(np.float32)


def starter(network):
    load_state(network, torch_state(read_weights(STARTER)[0]))
    return network.eval()


def assert_alike(own, network, refinements, scales, size=(slice(None), slice(None))):
    """Both networks choose the same patches and find the same numbers, in each of (scale, Refinement)."""
    src, bgr = (x[(slice(None), slice(None), *size)] for x in images(1))
    for scale, refinement in zip(scales, refinements):
        network.backbone_scale = scale
        network.refine_mode, network.refine_sample_pixels, network.refine_threshold = refinement
        with torch.no_grad(), paddle.no_grad():
            out = network(torch.from_numpy(src), torch.from_numpy(bgr))
            expected = own(paddle.to_tensor(src), paddle.to_tensor(bgr), scale, refinement)
        assert np.array_equal(out.ref_sm.numpy(), expected.ref_sm.numpy())
        for name, found in out._asdict().items():
            off = np.abs(found.numpy() - getattr(expected, name).numpy())
            assert off.max() < 1e-5 and off.mean() < 1e-6, (name, scale, refinement)


REFINEMENTS = (Refinement("sampling", 2400), Refinement("sampling", 640), Refinement("thresholding", threshold=0.42),
               Refinement("full"), Refinement("sampling", 0))


def test_whole_network_is_the_projects():
    own = MattingRefine("mobilenetv2")
    load_weights(own, STARTER)
    own.eval()
    assert_alike(own, starter(Matting()), REFINEMENTS, (0.5, 0.25, 0.5, 0.3, 0.5))


@pytest.mark.parametrize("backbone, kernel_size", [
    ("mobilenetv2", 1), pytest.param("resnet50", 3, marks=pytest.mark.slow)])
def test_other_encoders_and_kernels(backbone, kernel_size):
    own = reference_network(MattingRefine, backbone, refine_kernel_size=kernel_size)
    network = Matting(backbone, refine_kernel_size=kernel_size)
    load_state(network, torch_state(reference_state(own)))
    assert_alike(own, network.eval(), REFINEMENTS[1:4], (0.25, 0.5, 0.5), size=(slice(68), slice(100)))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_names_and_shapes_are_the_authors(backbone):
    assert {name: list(value.shape) for name, value in state_of(Matting(backbone)).items()} == stored_names(backbone)


def test_worst_patches_only_where_something_is_wrong():
    err = torch.tensor([[0.0, 0.3, 0.1, 0.0]]).reshape(1, 1, 2, 2)
    assert choose_patches(err, "sampling", 16, 0.1).flatten().tolist() == [0, 1, 0, 0]
    assert choose_patches(err, "sampling", 9 * 16, 0.1).flatten().tolist() == [0, 1, 1, 0]
    assert choose_patches(err, "sampling", 15, 0.1).sum() == 0
    assert choose_patches(err, "sampling", 9 * 16, 0.1, prevent_oversampling=False).all()
    assert choose_patches(err, "thresholding", 0, 0.1).flatten().tolist() == [0, 1, 0, 0]


def test_weights_go_home(tmp_path):
    network, home = Matting(), MattingRefine("mobilenetv2")
    save_file(state_of(network), tmp_path / "w.safetensors")
    report = load_weights(home, tmp_path / "w.safetensors")
    assert not report.missing and not report.unexpected
    mean = network.state_dict()["aspp.project.1.running_mean"].numpy()
    assert np.array_equal(home.state_dict()["aspp.project.1._mean"].numpy(), mean)


def test_missing_or_misshapen_weights_are_refused():
    state = state_of(Base())
    del state["decoder.conv4.bias"]
    with pytest.raises(ValueError, match="decoder.conv4.bias"):
        load_state(Base(), state)
    state["decoder.conv4.bias"] = torch.zeros(5)
    with pytest.raises(ValueError, match="decoder.conv4.bias"):
        load_state(Base(), state)
