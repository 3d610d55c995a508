"""Which 4x4 patches of a photo are refined: one rule, for arrays (engines) and tensors (networks, exported graphs)."""
from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from bgmatting.model.patch_layout import PATCH
from bgmatting.model.refinement import Refinement

if TYPE_CHECKING:
    from paddle import Tensor

SAMPLED = 31       # one of so many values tells roughly where the largest begin


@overload
def choose_patches(err: np.ndarray, refinement: Refinement) -> np.ndarray: ...
@overload
def choose_patches(err: Tensor, refinement: Refinement) -> Tensor: ...


def choose_patches(err: np.ndarray | Tensor, refinement: Refinement) -> np.ndarray | Tensor:
    """Choose the patches to refine by their predicted error; in mode "sampling" never those where it is 0.

    Args:
        err: predicted error of each patch in 0..1: array (H / 4, W / 4), or tensor (B, 1, H / 4, W / 4), whose size need
            not be known yet where a graph is exported.
        refinement: mode, number of pixels and threshold.

    Returns bool of the shape of ``err``.
    """
    is_array = isinstance(err, np.ndarray)
    if refinement.mode == "full":
        return np.ones(err.shape, bool) if is_array else _none(err) == 0
    if refinement.mode == "thresholding":
        return err > refinement.threshold
    count = refinement.sample_pixels // PATCH ** 2
    if count == 0:
        return np.zeros(err.shape, bool) if is_array else _none(err) != 0
    return _most_likely_wrong(err, count) if is_array else _most_likely_wrong_tensor(err, count)


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the ``count`` largest of ``values`` (N,), in any order."""
    if count == 0:
        return np.empty(0, np.intp)
    sample = np.sort(values[::SAMPLED])
    likely = sample[max(len(sample) - 1 - 2 * count // SAMPLED, 0)]  # about twice as many as wanted lie above it
    place = np.flatnonzero(values >= likely)
    if len(place) < count:
        place = np.arange(len(values))
    found = values[place]
    least = np.partition(found, len(found) - count)[len(found) - count]
    above = place[found > least]
    return np.concatenate([above, place[found == least][:count - len(above)]])


def _most_likely_wrong(err, count):
    chosen, values = np.zeros(err.size, bool), err.reshape(-1)
    place = np.flatnonzero(values > 0)  # few; numpy is slow to part thousands of equal values, such as the zeros
    chosen[place[largest(values[place], min(count, len(place)))]] = True
    return chosen.reshape(err.shape)


def _most_likely_wrong_tensor(err, count):
    import paddle  # takes seconds; engines that choose from arrays do without it
    flat = err.flatten(1)
    if paddle.in_dynamic_mode():
        count = min(count, flat.shape[1])
    else:  # in a graph for any size it is known while that runs
        count = paddle.minimum(paddle.full([1], count, "int32"), paddle.shape(flat)[1:].astype("int32"))
    _, place = paddle.topk(flat, count, axis=1, sorted=False)
    chosen = paddle.put_along_axis(paddle.zeros_like(flat), place, paddle.ones_like(place).astype(flat.dtype), axis=1)
    chosen = chosen * (flat > 0).astype(flat.dtype)
    return chosen.reshape(err.shape if paddle.in_dynamic_mode() else paddle.shape(err)) > 0


def _none(err):
    import paddle
    return paddle.zeros_like(err)
