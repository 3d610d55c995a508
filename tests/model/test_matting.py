"""Shapes, ranges, sizes and sub-layers of the networks."""
import numpy as np
import paddle
import pytest

from bgmatting.model import decoder
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
    # the last stage is dilated instead of strided
    convs = [x for x in encoder.sublayers() if isinstance(x, paddle.nn.Conv2D)]
    dilated = 2 if "resnet" in backbone else 0 if backbone.endswith("os32") else 3
    assert sum(tuple(x._dilation) == (2, 2) for x in convs) == dilated
    main_path = [x for x in convs if x._kernel_size[0] > 1 and x._stride[0] == 2]  # ResNet's fourth is a pooling
    assert len(main_path) == {"resnet50": 3, "resnet101": 3, "mobilenetv3_small_os32": 5}.get(backbone, 4)


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
    (64, 96, (16, 24)), (36, 44, (9, 11)), (4, 4, (1, 1))])
def test_whole_network_at_even_and_odd_coarse_sizes(refine, height, width, coarse):
    out = run(refine, *photos(height, width, batch=2))
    assert shapes(out) == {
        "pha": [2, 1, height, width], "fgr": [2, 3, height, width], "pha_sm": [2, 1, *coarse],
        "fgr_sm": [2, 3, *coarse], "err_sm": [2, 1, *coarse], "ref_sm": [2, 1, height // 4, width // 4]}
    for name, value in out._asdict().items():
        assert 0 <= float(value.min()) <= float(value.max()) <= 1, name


def test_photos_that_do_not_fit_and_coarse_sizes(refine):
    for src, bgr, said in (((66, 96), (66, 96), "66.*96"), ((64, 97), (64, 97), "64.*97"), ((64, 96), (64, 64), "shape")):
        with pytest.raises(ValueError, match=said):
            run(refine, photos(*src)[0], photos(*bgr)[0])
    for scale, coarse in ((0.5, (24, 32)), (0.3, (14, 19)), (0.01, (1, 1))):
        with paddle.no_grad():
            assert refine(*photos(48, 64), backbone_scale=scale).pha_sm.shape[2:] == list(coarse)


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


@pytest.mark.parametrize("convolution, channels", [("conv3", 80), ("conv4", 54)])
def test_a_large_image_is_convolved_in_parts(refine, convolution, channels):
    convolution, x = getattr(refine.decoder, convolution), paddle.randn([1, channels, 513, 514])
    with paddle.no_grad():
        assert (decoder._by_rows(convolution, x) - convolution(x)).abs().max() < 1e-5
        assert decoder._by_rows(convolution, x[:, :, :0x20]).shape == [1, convolution.weight.shape[0], 32, 514]
    x.stop_gradient = False
    assert not decoder._by_rows(convolution, x[:, :, :, :512]).stop_gradient
