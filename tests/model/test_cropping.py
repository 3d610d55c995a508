"""Cropping patches out of images and putting them back."""
import numpy as np
import paddle
import pytest

from bgmatting.model.cropping import crop_patches, replace_patches


def images(batch=2, channels=3, height=12, width=20, seed=0):
    return np.random.default_rng(seed).random((batch, channels, height, width), dtype=np.float32)


def every_index(batch, down, across):
    return np.stack(np.meshgrid(range(batch), range(down), range(across), indexing="ij"), -1).reshape(-1, 3)


def cropped_by_loop(x, index, size, padding):
    side = size + 2 * padding
    patches = np.zeros((len(index), x.shape[1], side, side), x.dtype)
    for patch, (image, row, column) in zip(patches, index):
        for i in range(side):
            for j in range(side):
                y, z = row * size - padding + i, column * size - padding + j
                if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
                    patch[:, i, j] = x[image, :, y, z]
    return patches


@pytest.mark.parametrize("size, padding", [(4, 0), (4, 2), (2, 3), (2, 0), (1, 1)])
def test_crops_equal_a_plain_loop(size, padding):
    x = images()
    index = every_index(2, 12 // size, 20 // size)
    index = np.random.default_rng(1).permutation(index)[:25]
    patches = crop_patches(paddle.to_tensor(x), paddle.to_tensor(index), size, padding)
    assert np.array_equal(patches.numpy(), cropped_by_loop(x, index, size, padding))


def test_replace_puts_patches_in_their_places_and_keeps_the_rest():
    x = images()
    index = np.array([[1, 2, 4], [0, 0, 0], [0, 1, 3]])
    patches = images(batch=3, height=4, width=4, seed=2) + 5
    expected = x.copy()
    for patch, (image, row, column) in zip(patches, index):
        expected[image, :, row * 4:row * 4 + 4, column * 4:column * 4 + 4] = patch
    before = paddle.to_tensor(x)
    after = replace_patches(before, paddle.to_tensor(patches), paddle.to_tensor(index))
    assert np.array_equal(after.numpy(), expected)
    assert np.array_equal(before.numpy(), x)


def test_gradient_flows_through_cropped_pixels_as_often_as_they_were_cropped():
    x = paddle.to_tensor(images(batch=1, channels=1, height=8, width=8), stop_gradient=False)
    index = paddle.to_tensor([[0, 0, 0], [0, 0, 1]])
    crop_patches(x, index, 4, 1).sum().backward()
    expected = np.zeros((8, 8))
    expected[:5, :5] += 1
    expected[:5, 3:] += 1
    assert np.array_equal(x.grad.numpy()[0, 0], expected)
