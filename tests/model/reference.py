"""The reference networks' parameters and inputs, rebuilt from their names and seeds, and their stored outputs."""
import contextlib
import json
import zlib
from pathlib import Path

import numpy as np
import paddle

from model.weights import load_torch_state

PARITY = Path(__file__).parents[1] / "data" / "parity"


def stored(name):
    """The arrays of one reference file, as a dict."""
    with np.load(PARITY / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    if "ref_shape" in arrays:
        shape = arrays.pop("ref_shape")
        arrays["ref_sm"] = np.unpackbits(arrays["ref_sm"])[:shape.prod()].reshape(shape)
    return arrays


def stored_names(backbone):
    """{PyTorch name: shape} of the whole network with refiner kernels of 3."""
    return json.loads((PARITY / f"names_mattingrefine_{backbone}.json").read_text())


def torch_name(name):
    """PyTorch's name of one of this project's parameters or buffers."""
    for own, theirs in (("._mean", ".running_mean"), ("._variance", ".running_var")):
        if name.endswith(own):
            return name[:-len(own)] + theirs
    return name


def reference_array(name, shape):
    """The values that the reference networks carried under the PyTorch name ``name``."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape = tuple(shape)
    fan_in = np.prod(shape[1:])
    if name.startswith("backbone.") and name.endswith("bn3.weight"):
        value = rng.uniform(0.1, 0.3, shape)
    elif name.endswith(".running_var") or (len(shape) == 1 and name.endswith(".weight")):
        value = rng.uniform(0.5, 1.5, shape)
    elif name in ("decoder.conv4.weight", "refiner.conv4.weight"):
        value = rng.standard_normal(shape) * 0.1 / np.sqrt(fan_in)
    elif len(shape) == 4:
        value = rng.standard_normal(shape) * np.sqrt(2 / fan_in)
    elif name in ("decoder.conv4.bias", "refiner.conv4.bias"):
        value = rng.standard_normal(shape) * 0.05
        value[[0, 4] if name.startswith("decoder") else [0]] += 0.5
    else:
        value = rng.standard_normal(shape) * 0.1
    return value.astype(np.float32)


def reference_state(model):
    """{PyTorch name: reference array} for every parameter and buffer of ``model``."""
    names = {torch_name(name): value.shape for name, value in model.state_dict().items()}
    return {name: reference_array(name, shape) for name, shape in names.items()}


def reference_network(kind, *args, dtype="float32", **kwargs):
    """``kind(*args, **kwargs)`` with the reference parameters, in evaluation mode."""
    with default_dtype(dtype):
        model = kind(*args, **kwargs)
    load_torch_state(model, reference_state(model))
    model.eval()
    return model


def reference_tensors(seeds, shape, dtype="float32"):
    """Uniform noise, one tensor per seed; the same float32 numbers whatever the ``dtype``."""
    noise = [np.random.default_rng(seed).random(tuple(shape), dtype=np.float32) for seed in seeds]
    return [paddle.to_tensor(x.astype(dtype)) for x in noise]


@contextlib.contextmanager
def default_dtype(dtype):
    """Make new layers of ``dtype`` inside the block."""
    before = paddle.get_default_dtype()
    paddle.set_default_dtype(dtype)
    try:
        yield
    finally:
        paddle.set_default_dtype(before)
