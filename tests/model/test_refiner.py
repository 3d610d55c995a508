"""Which patches are refined, and what happens to the others."""
import numpy as np
import paddle
import pytest

from bgmatting.model.refinement import Refinement
from bgmatting.model.refiner import Refiner

HEIGHT, WIDTH = 32, 48  # 8 x 12 patches; the coarse maps have one pixel for each


def refiner(mode="sampling", sample_pixels=160, threshold=0.5, kernel_size=3):
    model = Refiner(Refinement(mode, sample_pixels, threshold), kernel_size)
    rng = np.random.default_rng(0)
    for value in model.state_dict().values():
        fan_in = np.prod(value.shape[1:])
        drawn = rng.uniform(0.5, 1.5, value.shape) if value.ndim == 1 else rng.normal(0, fan_in ** -0.5, value.shape)
        value.set_value(drawn.astype(np.float32))
    model.eval()
    return model


def inputs(batch=2, seed=0, err=None):
    """src, bgr, pha, fgr, err, hid; the error is never 0 unless given."""
    rng = np.random.default_rng(seed)
    coarse = (HEIGHT // 4, WIDTH // 4)
    shapes = [(3, HEIGHT, WIDTH), (3, HEIGHT, WIDTH), (1, *coarse), (3, *coarse), (1, *coarse), (32, *coarse)]
    arrays = [rng.uniform(0.01, 1, (batch, *shape)).astype(np.float32) for shape in shapes]
    if err is not None:
        arrays[4] = err
    return [paddle.to_tensor(x) for x in arrays]


def run(model, tensors):
    with paddle.no_grad():
        return [x.numpy() for x in model(*tensors)]


def enlarged(x):
    """Bilinear enlargement to HEIGHT x WIDTH, pixel centres aligned, borders repeated."""
    def weights(inputs, outputs):
        place = np.clip((np.arange(outputs) + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
        return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(inputs)))
    return np.einsum("hy,wx,bcyx->bchw", weights(x.shape[2], HEIGHT), weights(x.shape[3], WIDTH), x)


def per_pixel(ref):
    return ref.repeat(4, axis=2).repeat(4, axis=3) > 0


@pytest.mark.parametrize("kernel_size", (1, 3))
@pytest.mark.parametrize("mode", ("sampling", "thresholding", "full"))
def test_a_batch_equals_its_images_one_by_one(mode, kernel_size):
    model, tensors = refiner(mode, kernel_size=kernel_size), inputs(3)
    together = run(model, tensors)
    for number in range(3):
        alone = run(model, [x[number:number + 1] for x in tensors])
        for one, many in zip(alone, together):
            assert np.abs(one[0] - many[number]).max() < 1e-5
    assert 0 < together[2].mean() <= 1


@pytest.mark.parametrize("kernel_size", (1, 3))
@pytest.mark.parametrize("mode, pixels, threshold", [("sampling", 16 * 20, 0), ("sampling", HEIGHT * WIDTH, 0),
                                                     ("thresholding", 0, 0.0), ("thresholding", 0, 0.5)])
def test_refined_patches_equal_mode_full_and_the_rest_is_enlarged(mode, pixels, threshold, kernel_size):
    tensors = inputs()
    pha, fgr, ref = run(refiner(mode, pixels, threshold, kernel_size), tensors)
    full_pha, full_fgr, full_ref = run(refiner("full", kernel_size=kernel_size), tensors)
    wrong = (tensors[4].numpy() > threshold).mean()
    wanted = wrong if mode == "thresholding" else pixels / HEIGHT / WIDTH
    assert (full_ref == 1).all() and ref.mean() == pytest.approx(wanted)
    inside = per_pixel(ref)
    assert np.abs(pha - np.where(inside, full_pha, enlarged(tensors[2].numpy()))).max() < 1e-5
    assert np.abs(fgr - np.where(inside, full_fgr, enlarged(tensors[3].numpy()))).max() < 1e-5


@pytest.mark.parametrize("mode, threshold", [("sampling", 0.5), ("thresholding", 0.0)])
def test_patches_without_error_are_never_refined(mode, threshold):
    err = np.zeros((2, 1, 8, 12), np.float32)
    err[0, 0, 2, 3] = 0.2
    tensors = inputs(err=err)
    pha, _, ref = run(refiner(mode, 16 * 10, threshold), tensors)
    assert np.array_equal(ref, (err > 0).astype(np.float32))
    plain = enlarged(tensors[2].numpy())
    assert np.abs(pha - plain)[~per_pixel(ref)].max() < 1e-5
    assert np.abs(pha - plain)[per_pixel(ref)].max() > 1e-2


@pytest.mark.parametrize("mode", ("sampling", "full"))
def test_every_parameter_learns(mode):
    model, tensors = refiner(mode), inputs()
    tensors[5].stop_gradient = False
    pha, fgr, _ = model(*tensors)
    (pha.square().mean() + fgr.square().mean()).backward()
    assert all(float(value.grad.abs().max()) > 0 for value in model.parameters() if not value.stop_gradient)
    assert float(tensors[5].grad.abs().max()) > 0
    with pytest.raises(ValueError, match="1.*3.*2"):
        refiner(mode, kernel_size=2)
