"""The reference networks' parameters and inputs, rebuilt from their names and seeds, and their stored outputs."""
import contextlib
import json
import zlib
from pathlib import Path

import numpy as np
import paddle

from bgmatting.model.losses import base_loss, refine_loss
from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.weights import load_torch_state

PARITY = Path(__file__).parents[1] / "data" / "parity"
BACKBONES = ("mobilenetv2", "resnet50", "resnet101")
REFINES = ("mobilenetv2_full_k1_s50", "mobilenetv2_full_k3_s25", "mobilenetv2_sampling_k1_s25",
           "mobilenetv2_sampling_k3_s25", "mobilenetv2_thresholding_k3_s25", "resnet50_sampling_k3_s25",
           "resnet101_thresholding_k3_s25", "mobilenetv3_small_os32_sampling_k3_s25")
FLOAT16_STEP = 2.0 ** -12  # how far rounding to float16 moves a number below 1


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


def run(network, case, dtype="float32"):
    """What ``network`` answers to the inputs of a stored case."""
    src, bgr = reference_tensors(case["seeds"], case["shape"], dtype)
    with paddle.no_grad():
        return network(src, bgr)


def run_refine(name, case):
    """What the whole network of the stored case ``name``, one of REFINES, answers to its inputs."""
    backbone, mode, *_ = name.rsplit("_", 3)
    kernel, scale = int(case["kernel_size"]), float(case["backbone_scale"])
    assert name.endswith(f"_k{kernel}_s{round(100 * scale)}")
    return run(reference_network(MattingRefine, backbone, scale, mode, int(case["sample_pixels"]),
                                 float(case["threshold"]), kernel), case)


def train(case, dtype="float32"):
    """Five Adam steps on one batch: the first loss terms, the first gradients' norms {name: norm}, the losses."""
    whole = "pha_sm_l1" in json.loads(str(case["terms"]))
    if whole:
        network = reference_network(MattingRefine, "mobilenetv2", refine_mode="full", dtype=dtype)
    else:
        network = reference_network(MattingBase, "mobilenetv2", dtype=dtype)
    src, bgr = reference_tensors(case["seeds"][:2], case["shape"], dtype)
    true_fgr, = reference_tensors(case["seeds"][3:], case["shape"], dtype)
    true_pha = paddle.to_tensor(case["true_pha"].astype(dtype))
    adam = paddle.optimizer.Adam(float(case["lr"]), parameters=network.parameters())
    terms, norms, losses = [], [], []
    for _ in range(5):
        out = network(src, bgr)
        if whole:
            terms.append(refine_loss(out, true_pha, true_fgr, detach_error=False))
        else:
            terms.append(base_loss(out, true_pha, true_fgr))
        loss = sum(terms[-1].values())
        loss.backward()
        losses.append(float(loss))
        norms.append({torch_name(name): float(np.linalg.norm(x.grad.numpy().astype(np.float64)))
                      for name, x in network.named_parameters() if x.grad is not None})
        adam.step()
        adam.clear_grad()
    return {name: float(value) for name, value in terms[0].items()}, norms[0], losses


def difference(tensor, expected, stride):
    """Absolute differences at every ``stride``-th row and column, where the reference is kept."""
    return np.abs(tensor.numpy()[:, :, ::stride, ::stride] - expected.astype(np.float64))


def relative(values, expected):
    """Differences relative to the reference, as an array."""
    return np.abs(np.asarray(values) / np.asarray(expected) - 1)


def in_order(norms, names):
    """The values of the dict ``norms`` in the order of ``names``, which must be its keys."""
    assert set(norms) == set(map(str, names))
    return [norms[str(name)] for name in names]


@contextlib.contextmanager
def default_dtype(dtype):
    """Make new layers of ``dtype`` inside the block."""
    before = paddle.get_default_dtype()
    paddle.set_default_dtype(dtype)
    try:
        yield
    finally:
        paddle.set_default_dtype(before)
