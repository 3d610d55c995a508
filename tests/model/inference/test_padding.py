"""What the coarse network sees is padded to multiples of its encoder's stride."""
import numpy as np
import paddle
import pytest

from bgmatting.model.backbones import BACKBONES, build_backbone
from bgmatting.model.inference.padding import padded, stride_of


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_stride_of_each_encoder(backbone):
    encoder = build_backbone(backbone, 6)
    encoder.eval()
    with paddle.no_grad():
        deepest, *_ = encoder(paddle.zeros([1, 6, 64, 96]))
    assert deepest.shape[2:] == [side // stride_of(backbone) for side in (64, 96)]


@pytest.mark.parametrize("dtype", (np.uint8, np.float32))
def test_the_last_row_and_column_are_repeated(dtype):
    photo = np.random.default_rng(0).integers(0, 255, (270, 481, 3)).astype(dtype)
    found = padded(photo, 16)
    assert found.shape == (272, 496, 3) and found.dtype == dtype and found.flags["C_CONTIGUOUS"]
    assert (found[:270, :481] == photo).all() and (found[270:, :481] == photo[-1]).all()
    assert (found[:270, 481:] == photo[:, -1:]).all()
    assert padded(found, 16) is found
