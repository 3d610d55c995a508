"""MODNet and DIM with the parameters and inputs that PaddleSeg's networks had, rebuilt from names and seeds."""
import json
import zlib
from pathlib import Path

import numpy as np
import paddle
import pytest

from bgmatting.model import DIM, MODNet
from bgmatting.model.weights import load_paddleseg_state

DATA = Path(__file__).parents[1] / "data" / "parity_paddleseg"
MODNETS = ("mobilenetv2", "resnet50_vd", "hrnet_w18")
SHAPE = (2, 3, 96, 128)


def stored(case):
    """The arrays of one reference file, as a dict; ``case`` is "modnet_<backbone>", "dim_vgg16" or "modnet_authors"."""
    with np.load(DATA / f"{case}.npz") as file:
        return {key: file[key] for key in file.files}


def stored_names(case):
    """{name: shape} of the reference network."""
    return json.loads((DATA / f"names_{case}.json").read_text())


def seeded_array(name, shape):
    """The values that the reference networks carried under ``name``, of PaddleSeg or of MODNet's authors."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape = tuple(shape)
    flat = len(shape) == 1
    if name.endswith(("_variance", "scale", "running_var")) or (flat and name.endswith("weight")):
        value = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        return value * np.float32(0.3) if flat and name.endswith("weight") else value
    spread = 0.1
    if len(shape) == 4:
        spread = np.sqrt(2 / np.prod(shape[1:]))
    elif len(shape) == 2:
        spread = np.sqrt(1 / shape[0])
    return (rng.standard_normal(shape) * spread).astype(np.float32)


def seeded_network(case):
    """The network of the reference ``case`` with its parameters, in evaluation mode."""
    kind, backbone = case.split("_", 1)
    network = (MODNet if kind == "modnet" else DIM)(backbone)
    load_paddleseg_state(network, {name: seeded_array(name, x.shape) for name, x in network.state_dict().items()})
    network.eval()
    return network


def seeded_batch():
    """{"img", "trimap" (in 0..1), "unknown", "pha", "fgr", "bgr"}: tensors, the reference networks' inputs and targets."""
    batch, _, height, width = SHAPE
    trimap = np.random.default_rng(2).choice([0.0, 128.0, 255.0], (batch, 1, height, width)).astype(np.float32)
    pha = noise(3, 1)
    pha[trimap == 0], pha[trimap == 255] = 0, 1
    arrays = {"img": noise(1) * 2 - 1, "trimap": trimap / 255, "unknown": (trimap == 128).astype(np.float32),
              "pha": pha, "fgr": noise(4), "bgr": noise(5)}
    return {name: paddle.to_tensor(x) for name, x in arrays.items()}


def noise(seed, channels=3):
    """Uniform float32 in 0..1, of SHAPE but for the channels."""
    return np.random.default_rng(seed).random((SHAPE[0], channels, *SHAPE[2:]), dtype=np.float32)


def assert_alike(tensor, expected):
    """Alpha as the reference network found it."""
    off = np.abs(tensor.numpy().astype(np.float64) - expected)
    assert off.mean() < 1e-6
    assert off.max() < 1e-4


def assert_losses_alike(network, terms, weights, case, loss_tolerance, gradient_tolerance):
    """Each weighted term, their sum, and the gradients' norms by the first two parts of the parameters' names (relative)."""
    for name, value in terms.items():
        assert float(value) * weights[name] == _near(case[f"loss_{name}"], loss_tolerance), name
    total = sum(weights[name] * value for name, value in terms.items())
    assert float(total) == _near(case["loss_all"], loss_tolerance)
    total.backward()
    squares = {}
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            part = ".".join(name.split(".")[:2])
            squares[part] = squares.get(part, 0) + np.square(parameter.grad.numpy().astype(np.float64)).sum()
    norms = {name[len("grad_"):]: _near(value, gradient_tolerance)
             for name, value in case.items() if name.startswith("grad_")}
    assert {part: np.sqrt(square) for part, square in squares.items()} == norms


def _near(value, tolerance):
    return pytest.approx(float(value), rel=tolerance)
