"""Images blended by alpha."""
import numpy as np
import pytest

from bgmatting.media.operations import blend, cover


@pytest.mark.parametrize("alphas", [(0, 255), (0, 1, 128, 254, 255), (7,), (255,), (0,)])
def test_a_blend_is_the_rounded_matting_equation(alphas):
    rng = np.random.default_rng(0)
    fgr, bgr = (rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in range(2))
    pha = rng.choice(np.uint8(alphas), (40, 60))
    weight = pha[..., None] / 255
    for ours, theirs in ((fgr, bgr), (fgr[:, ::-1], bgr[::-1]), (fgr, np.broadcast_to(np.uint8([9, 99, 199]), bgr.shape))):
        kept = theirs.copy()
        made = blend(ours, pha, theirs)
        assert made.dtype == np.uint8 and np.array_equal(made, np.rint(ours * weight + theirs * (1 - weight)))
        assert np.array_equal(theirs, kept)  # what it is set before is as it was


@pytest.mark.parametrize("shape", [(64, 640), (64, 320), (640, 64)])
def test_what_covers_a_size_keeps_its_depth(shape):
    """Also where an image of a very different shape is enlarged in part."""
    covered = cover(np.full((*shape, 3), 40_000, np.uint16), (640, 640))
    assert covered.dtype == np.uint16 and covered.shape == (640, 640, 3) and (covered == 40_000).all()
