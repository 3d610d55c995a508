"""Training starts from the files that people have: by part, every array that fits lands where it belongs."""
from functools import partial

import numpy as np
import paddle
import pytest

from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.weights import initial, save_weights
from bgmatting.model.weights.naming import backbone_kind, our_names
from bgmatting.utils.errors import UserError
from tests.model.weights.foreign import STEMS, classifier, numbered, paddleseg, torch_names, torchvision_deeplab, vainf
from tests.model.weights.handmade import write_zip
from tests.model.weights.small import torch_state

# Arrays of each encoder: a convolution and 4 of its norm, and 4 of each squeeze and excitation.
ARRAYS = {"mobilenetv2": 51 * 5, "mobilenetv3": 46 * 5 + 8 * 4, "mobilenetv3_small": 34 * 5 + 9 * 4, "resnet50": 53 * 5,
          "resnet101": 104 * 5}
ASPP, DECODER = 30, 17


class Slot:
    """One array of a network."""

    dtype = "paddle.float32"

    def __init__(self, shape):
        self.shape, self._array = shape, np.broadcast_to(np.float32(-1), shape)

    def set_value(self, array):
        self._array = array

    def numpy(self):
        return self._array


class Slots:
    """The arrays of a base network without the network, whose making takes seconds."""

    def __init__(self, backbone):
        self.backbone_name = backbone
        with paddle.LazyGuard():
            self._slots = {name: Slot(list(value.shape)) for name, value in MattingBase(backbone).state_dict().items()}

    def state_dict(self):
        return self._slots


@pytest.fixture(scope="module")
def networks():
    """The arrays of each backbone's base network, made once; every test overwrites what it looks at."""
    made = {}
    return lambda backbone: made.setdefault(backbone, None) or made.update({backbone: Slots(backbone)}) or made[backbone]


def taken(reports):
    return {part: (taken, missing, unused) for part, taken, missing, unused in reports}


def check_values(network, given):
    """All arrays of the network that were ``given`` in the same shape hold their number."""
    own = {name: value for name, value in network.state_dict().items() if name in given}
    wrong = [name for name, value in own.items() if name != STEMS[network.backbone_name]
             and not (value.numpy() == given[name].flat[0]).all()]
    assert own and not wrong


@pytest.mark.parametrize("backbone, made, other, parts", [
    *((backbone, vainf, 3, ("backbone", "aspp")) for backbone in ("mobilenetv2", "resnet50", "resnet101")),
    *((backbone, partial(vainf, plus=True), 2, ("backbone", "aspp")) for backbone in ("mobilenetv2", "resnet50")),
    *((backbone, torchvision_deeplab, 3, ("backbone", "aspp")) for backbone in ("resnet50", "resnet101", "mobilenetv3")),
    *((backbone, classifier, 2, ("backbone",)) for backbone in ("resnet50", "mobilenetv2", "mobilenetv3",
                                                                "mobilenetv3_small"))])
def test_deeplabs_and_classifiers(networks, backbone, made, other, parts):
    network = networks(backbone)
    given, stem = numbered(network, parts), network.state_dict()[STEMS[backbone]].numpy()
    report = taken(initial.take_matching(network, torch_names(made(given))))
    assert report == {"backbone": (ARRAYS[backbone] - 1, 1, 1), "decoder": (0, DECODER, 0), "other": (0, 0, other),
                      "aspp": (ASPP, 0, 0) if "aspp" in parts else (0, ASPP, 0)}
    check_values(network, given)
    assert np.array_equal(network.state_dict()[STEMS[backbone]].numpy(), stem)  # of 3 channels in the file: left alone


@pytest.mark.parametrize("backbone, factory", [("mobilenetv2", "mobilenet_v2"), ("mobilenetv3_small", "mobilenet_v3_small")])
def test_imagenet_by_paddle_vision(networks, monkeypatch, backbone, factory):
    """The true networks of paddle.vision stand in for fetched ones: every array of the encoder but the first fits."""
    from paddle.vision import models
    asked, make = [], getattr(models, factory)
    monkeypatch.setattr(models, factory, lambda pretrained: asked.append(pretrained) or make())
    network = networks(backbone)
    report = taken(initial.start_from(network, "imagenet"))
    after = 5 if backbone == "mobilenetv2" else 0  # its last convolution, which ours has not
    assert asked == [True] and report["backbone"] == (ARRAYS[backbone] - 1, 1, 1 + after)
    assert report["aspp"] == (0, ASPP, 0) and report["other"][2] == (4 if "v3" in backbone else 2)


def test_imagenet_without_a_network_is_one_line(networks, monkeypatch):
    from paddle.vision import models

    def unreachable(pretrained):
        raise RuntimeError("Download from https://example.org/a.pdparams failed.\nRetry limit reached")
    monkeypatch.setattr(models, "mobilenet_v2", unreachable)
    with pytest.raises(UserError, match="mobilenetv2 .*https://example.org/a.pdparams failed. Retry limit.*--pretrain"):
        initial.start_from(networks("mobilenetv2"), "imagenet")


@pytest.mark.parametrize("backbone, fits", [
    ("resnet50", 52 * 5), ("mobilenetv2", ARRAYS["mobilenetv2"] - 5), ("mobilenetv3", ARRAYS["mobilenetv3"] - 5)])
def test_deeplab_of_paddleseg(networks, backbone, fits):
    network = networks(backbone)
    given = numbered(network)
    theirs = paddleseg(given)
    if backbone == "mobilenetv3":  # what the other two are called in the same way
        theirs["lastconv.conv.weight"] = given["backbone.features.16.0.weight"]
        fits -= 4
    report = taken(initial.take_matching(network, theirs))
    assert report["backbone"][0] == fits and report["aspp"] == (ASPP, 0, 0)
    check_values(network, our_names(theirs))
    assert {name: value.flat[0] for name, value in our_names(theirs).items()}.items() <= {
        name: value.flat[0] for name, value in given.items()}.items()


def test_base_and_refined_files_of_the_authors(tmp_path):
    paddle.seed(0)
    base, whole = MattingBase("mobilenetv2"), MattingRefine("mobilenetv2")
    own = {name: np.full(value.shape, number, np.float32) for number, (name, value) in enumerate(
        whole.state_dict().items())}
    write_zip(tmp_path / "refine.pth", *torch_state(torch_names(own)))
    assert taken(initial.start_from(base, tmp_path / "refine.pth")) == {
        "backbone": (255, 0, 0), "aspp": (ASPP, 0, 0), "decoder": (DECODER, 0, 0), "refiner": (0, 0, 17)}
    assert initial.as_table(initial.start_from(whole, tmp_path / "refine.pth")) == [
        "319 arrays taken, 0 of this network not in it.",
        "part         taken   not in the file   not used",
        "backbone       255                 0          0",
        "aspp            30                 0          0",
        "decoder         17                 0          0",
        "refiner         17                 0          0"]
    assert all((value.numpy() == own[name]).all() for name, value in whole.state_dict().items())
    base_only = {name: value for name, value in own.items() if not name.startswith("refiner.")}
    write_zip(tmp_path / "base.pth", *torch_state(torch_names(base_only)))
    assert taken(initial.start_from(whole, tmp_path / "base.pth"))["refiner"] == (0, 17, 0)


def test_kinds_of_backbones():
    one, wide = np.zeros((64, 64, 1, 1)), np.zeros((128, 64, 1, 1))
    third = {f"backbone.layer3.{block}.conv1.weight": one for block in range(36)}
    bottleneck = {"backbone.layer1.0.conv1.weight": one, "backbone.layer1.0.conv3.weight": one}
    assert backbone_kind({**bottleneck, **third}) == "resnet152"
    assert backbone_kind({**bottleneck, **dict(list(third.items())[:6])}) == "resnet50"
    assert backbone_kind({"backbone.layer1.0.conv1.weight": one}) == "resnet18 or resnet34"
    assert backbone_kind({**bottleneck, "backbone.layer1.0.conv1.weight": wide}) == "ResNeXt or wide ResNet"
    assert backbone_kind({"backbone.features.1.conv.0.0.weight": np.zeros((16, 1, 3, 3))}) == "MobileNetV2 of another width"
    small = {"backbone.features.2.block.0.0.weight": np.zeros((72, 16, 1, 1))}
    assert backbone_kind(small) == "MobileNetV3 of another size"
    for block, channels, kind in ((15, 960, "mobilenetv3"), (11, 576, "mobilenetv3_small"), (11, 432, None)):
        last = {f"backbone.features.{block}.block.0.0.weight": np.zeros((channels, 96, 1, 1))}
        assert backbone_kind({**small, **last}) == (kind or "MobileNetV3 of another size")
    assert backbone_kind({"aspp.project.0.weight": one}) is None


def test_networks_that_share_a_few_names_are_refused(networks):
    vgg = {f"features.{number}.weight": np.zeros((64, 64, 3, 3)) for number in range(10)}
    vgg["features.0.1.weight"] = np.zeros(32)
    with pytest.raises(ValueError, match="of the 11 .* only 1 fit"):
        initial.take_matching(networks("mobilenetv2"), vgg)
    with pytest.raises(ValueError):
        initial.take_matching(networks("mobilenetv2"), {"stem.weight": np.zeros(3)})


@pytest.mark.parametrize("backbone", ("mobilenetv3", "mobilenetv3_small"))
def test_a_file_of_ours(tmp_path, networks, backbone):
    save_weights(networks(backbone), tmp_path / "w.safetensors")
    assert taken(initial.start_from(networks(backbone), tmp_path / "w.safetensors")) == {
        "backbone": (ARRAYS[backbone], 0, 0), "aspp": (ASPP, 0, 0), "decoder": (DECODER, 0, 0)}
    with pytest.raises(UserError, match=backbone):
        initial.start_from(networks("mobilenetv2"), tmp_path / "w.safetensors")


@pytest.mark.parametrize("prefix", ("", "backbone."))
def test_paddlesegs_biases_and_the_stem_of_a_resnet_vd(networks, prefix):
    """A bias before BatchNorm is taken from its mean; three convolutions in place of one are told in the table."""
    network, rng = networks("resnet50"), np.random.default_rng(0)
    given = numbered(network)
    theirs = {name: value for name, value in paddleseg(given).items() if not name.startswith("backbone.bb")}
    blocks = {prefix + name[9:]: value for name, value in paddleseg(given).items() if name.startswith("backbone.bb")}
    places = [*(f"aspp_blocks.{number}" for number in range(4)), "global_avg_pool.1", "conv_bn_relu"]
    biases = {f"head.aspp.{place}._conv.bias": rng.normal(size=256).astype(np.float32) for place in places}
    stem = {f"{prefix}conv1_{number}.{layer}": np.ones(32, np.float32) for number in (1, 2, 3)
            for layer in ("_conv.weight", *(f"_batch_norm.{array}" for array in ("weight", "bias", "_mean", "_variance")))}
    report = taken(initial.take_matching(network, {**theirs, **blocks, **biases, **stem}))
    assert report["backbone"] == (52 * 5, 5, 15) and report["aspp"] == (ASPP, 0, 0)
    means = ["aspp.convs.0.1", "aspp.convs.1.1", "aspp.convs.2.1", "aspp.convs.3.1", "aspp.convs.4.2", "aspp.project.1"]
    for mean, bias in zip(means, biases.values()):
        name = f"{mean}._mean"
        np.testing.assert_allclose(network.state_dict()[name].numpy(), given[name] - bias, rtol=1e-5)
