"""Reference parameters as pure functions of their names, as the stored reference outputs were computed with."""
import zlib

import numpy as np

from model.weights.loading import from_torch_names

BUFFERS = ((". _mean".replace(" ", ""), ".running_mean"), ("._variance", ".running_var"))


def torch_name(name):
    for own, theirs in BUFFERS:
        if name.endswith(own):
            return name[:-len(own)] + theirs
    return name


def reference_array(name, shape):
    """The values that the reference networks carried under the PyTorch name ``name``."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape = tuple(shape)
    if name.startswith("backbone.") and name.endswith("bn3.weight"):
        value = rng.uniform(0.1, 0.3, shape)
    elif name.endswith(".running_var") or (len(shape) == 1 and name.endswith(".weight")):
        value = rng.uniform(0.5, 1.5, shape)
    elif name in ("decoder.conv4.weight", "refiner.conv4.weight"):
        value = rng.standard_normal(shape) * 0.1 / np.sqrt(np.prod(shape[1:]))
    elif len(shape) == 4:
        value = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif name in ("decoder.conv4.bias", "refiner.conv4.bias"):
        value = rng.standard_normal(shape) * 0.05
        value[[0, 4] if name.startswith("decoder") else [0]] += 0.5
    else:
        value = rng.standard_normal(shape) * 0.1
    return value.astype(np.float32)


def reference_state(model):
    """{PyTorch name: reference array} for every parameter and buffer of ``model``."""
    state = {}
    for name, value in model.state_dict().items():
        name = torch_name(name)
        state[name] = reference_array(name, value.shape)
    return state


def reference_images(seeds, shape):
    """Uniform noise images, one array per seed."""
    return [np.random.default_rng(seed).random(tuple(shape), dtype=np.float32) for seed in seeds]


__all__ = ["from_torch_names", "reference_array", "reference_images", "reference_state", "torch_name"]
