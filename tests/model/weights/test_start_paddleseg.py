"""What MODNet starts from: files of its own, a classifier's backbone, and what is refused."""
import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from bgmatting.model.modnet.network import MODNet
from bgmatting.model.weights.initial import start_from_paddleseg
from bgmatting.utils.errors import UserError


@pytest.fixture(scope="module")
def network():
    paddle.seed(0)
    return MODNet("mobilenetv2")


def arrays_of(network):
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def test_all_of_a_run_or_a_classifier_s_backbone(network, tmp_path):
    own = arrays_of(network)
    save_file(own, tmp_path / "run.safetensors")
    lines, complete = start_from_paddleseg(network, tmp_path / "run.safetensors")
    assert complete and lines[0] == f"{len(own)} arrays taken, 0 of this network not in it."
    inside = {name[len("backbone."):]: np.full_like(value, 0.25) for name, value in own.items()
              if name.startswith("backbone.")}
    save_file({**inside, "out.weight": np.zeros(3, np.float32)}, tmp_path / "classifier.safetensors")
    lines, complete = start_from_paddleseg(network, tmp_path / "classifier.safetensors")
    assert not complete and lines[0].startswith(f"{len(inside)} arrays taken")
    now = arrays_of(network)
    assert all((value == 0.25).all() == name.startswith("backbone.") for name, value in now.items() if value.ndim == 4)


@pytest.mark.parametrize("arrays, words", [
    ({"features.0.weight": np.zeros((3, 3), np.float32)}, "no name and shape in it is this network's"),
    ({"backbone.conv1._conv.weight": np.zeros((32, 3, 3, 3), np.float32)}, "of its backbone only 1 are in it"),
])
def test_what_is_of_another_network_is_refused(network, tmp_path, arrays, words):
    save_file(arrays, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match=words):
        start_from_paddleseg(network, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="nowhere to fetch"):
        start_from_paddleseg(network, "imagenet")
