"""Shapes, ranges, sizes and sub-layers of the networks."""
import numpy as np
import paddle
import pytest

from bgmatting.model.backbones import BACKBONES, build_backbone
from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.utils.errors import UserError

# at 1/16, 1/8, 1/4, 1/2 and 1/1 of the input's size
CHANNELS = {"mobilenetv2": [320, 32, 24, 16, 6], "mobilenetv3": [960, 40, 24, 16, 6],
            "mobilenetv3_small": [576, 24, 16, 16, 6], "mobilenetv3_small_os32": [576, 40, 24, 16, 6],
            "resnet50": [2048, 512, 256, 64, 6], "resnet101": [2048, 512, 256, 64, 6]}


def photos(height, width, batch=1):
    rng = np.random.default_rng(0)
    return [paddle.to_tensor(rng.random((batch, 3, height, width), dtype=np.float32)) for _ in range(2)]


def run(model, *tensors):
    model.eval()
    with paddle.no_grad():
        return model(*tensors)


def shapes(output):
    return {name: list(value.shape) for name, value in output._asdict().items()}


def count(layer):
    # Paddle lists the statistics of batch normalization as parameters, too; those are not learned.
    return sum(int(np.prod(value.shape)) for value in layer.parameters() if not value.stop_gradient)


@pytest.fixture(scope="module")
def refine():
    paddle.seed(0)
    return MattingRefine("mobilenetv2", refine_sample_pixels=320)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_backbones(backbone):
    paddle.seed(0)
    encoder = build_backbone(backbone, in_channels=6)
    assert encoder.channels == CHANNELS[backbone]
    maps = run(encoder, paddle.concat(photos(64, 96), axis=1))
    strides = (32, 16, 8, 4, 1) if backbone.endswith("_os32") else (16, 8, 4, 2, 1)
    assert [list(x.shape) for x in maps] == [
        [1, channels, 64 // stride, 96 // stride] for channels, stride in zip(CHANNELS[backbone], strides)]


@pytest.mark.parametrize("backbone, dilated", [
    ("mobilenetv2", 3), ("mobilenetv3", 3), ("mobilenetv3_small", 3), ("mobilenetv3_small_os32", 0),
    ("resnet50", 2)])
def test_last_stage_is_dilated_instead_of_strided(backbone, dilated):
    convs = [x for x in build_backbone(backbone, 6).sublayers() if isinstance(x, paddle.nn.Conv2D)]
    assert sum(tuple(x._dilation) == (2, 2) for x in convs) == dilated
    main_path = [x for x in convs if x._kernel_size[0] > 1 and x._stride[0] == 2]
    assert len(main_path) == {"resnet50": 3, "mobilenetv3_small_os32": 5}.get(backbone, 4)  # ResNet's fourth is a pooling


@pytest.mark.parametrize("backbone, parameters", [("mobilenetv3", 2_971_952), ("mobilenetv3_small", 927_008)])
def test_mobilenetv3_has_the_parameters_of_torchvisions_features(backbone, parameters):
    assert count(build_backbone(backbone, 3)) == parameters


def test_base_outputs():
    paddle.seed(0)
    out = run(MattingBase("mobilenetv3"), *photos(48, 64, batch=2))
    assert shapes(out) == {
        "pha": [2, 1, 48, 64], "fgr": [2, 3, 48, 64], "err": [2, 1, 48, 64], "hid": [2, 32, 48, 64]}
    for value in (out.pha, out.fgr, out.err):
        assert 0 <= float(value.min()) <= float(value.max()) <= 1
    assert float(out.hid.min()) == 0 and float(out.hid.max()) > 0


def test_outputs_are_clipped_and_the_foreground_is_relative_to_the_photo():
    paddle.seed(0)
    base = MattingBase("mobilenetv2")
    src, bgr = photos(32, 32)
    for value, expected in ((0.0, src.numpy()), (9.0, 1.0), (-9.0, 0.0)):
        base.decoder.conv4.weight.set_value(paddle.zeros_like(base.decoder.conv4.weight))
        base.decoder.conv4.bias.set_value(paddle.full_like(base.decoder.conv4.bias, value))
        out = run(base, src, bgr)
        assert np.array_equal(out.fgr.numpy(), np.broadcast_to(expected, [1, 3, 32, 32]))
        assert (out.pha.numpy() == np.clip(value, 0, 1)).all() and (out.err.numpy() == np.clip(value, 0, 1)).all()
        assert (out.hid.numpy() == max(value, 0)).all()


@pytest.mark.parametrize("height, width, coarse", [
    (64, 96, (16, 24)), (36, 44, (9, 11)), (60, 100, (15, 25)), (4, 4, (1, 1)), (4, 200, (1, 50))])
def test_whole_network_at_even_and_odd_coarse_sizes(refine, height, width, coarse):
    out = run(refine, *photos(height, width, batch=2))
    assert shapes(out) == {
        "pha": [2, 1, height, width], "fgr": [2, 3, height, width], "pha_sm": [2, 1, *coarse],
        "fgr_sm": [2, 3, *coarse], "err_sm": [2, 1, *coarse], "ref_sm": [2, 1, height // 4, width // 4]}
    for name, value in out._asdict().items():
        assert 0 <= float(value.min()) <= float(value.max()) <= 1, name


@pytest.mark.parametrize("scale, coarse", [(0.5, (24, 32)), (0.3, (14, 19)), (0.01, (1, 1))])
def test_coarse_size_follows_the_scale_and_is_never_empty(scale, coarse):
    paddle.seed(0)
    out = run(MattingRefine("mobilenetv2", backbone_scale=scale), *photos(48, 64))
    assert out.pha_sm.shape[2:] == list(coarse) and out.pha.shape[2:] == [48, 64]


@pytest.mark.parametrize("height, width", [(66, 96), (64, 97), (3, 3)])
def test_sides_that_are_not_multiples_of_four(refine, height, width):
    with pytest.raises(ValueError, match=f"4.*{height}.*{width}"):
        run(refine, *photos(height, width))


def test_photos_of_unequal_size(refine):
    with pytest.raises(ValueError, match="one shape"):
        run(refine, photos(64, 96)[0], photos(64, 64)[0])


def test_unknown_backbone():
    with pytest.raises(UserError, match="'resnet5O'.*'resnet50'"):
        MattingBase("resnet5O")


def test_training_mode_reaches_every_parameter():
    paddle.seed(0)
    model = MattingRefine("mobilenetv2", refine_mode="full")
    model.train()
    out = model(*photos(64, 64, batch=2))
    (out.pha.mean() + out.fgr.mean() + out.err_sm.mean()).backward()
    without = [name for name, value in model.named_parameters() if value.grad is None and not value.stop_gradient]
    assert without == []
