"""Weights for ``benchmarks.infer``: the starter's, or random ones whose numbers stay in range; and as peers read them."""
from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np


def weights_for(method: Any, backbone: str, named: str | None, folder: str | os.PathLike) -> str | os.PathLike:
    """The weights file to measure ``backbone`` of a ``Method`` with."""
    from bgmatting.model.weights import STARTER
    if named:
        return named
    if method.refines and backbone == "mobilenetv2":
        return STARTER
    import paddle

    from bgmatting.model.weights import save_weights
    paddle.seed(0)
    network = method.build(backbone, **({"refine_mode": "full"} if method.refines else {}))
    _settle(network, method)
    path = folder / f"{method.name}-{backbone}.safetensors"
    save_weights(network, path)
    return path


def _settle(network, method):
    """Give BatchNorm the statistics of an image, as training would: without, random layers blow their numbers up."""
    import paddle
    for layer in network.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer._momentum = 0.0
    network.train()
    rng = np.random.default_rng(0)
    given = []
    for name in method.input_names:
        x = cv2.resize(rng.random((16, 16, 3), np.float32), (256, 256)).transpose(2, 0, 1)[None]
        given.append(paddle.to_tensor(x[:, :1] if name == "trimap" else method.rule.ranged(x).astype(np.float32)))
    with paddle.no_grad():
        network(*given)
    network.eval()


def write_peer_weights(weights: str | os.PathLike, folder: str | os.PathLike) -> str:
    """The weights with the authors' names, as a file that needs nothing but numpy."""
    from bgmatting.model.weights import from_torch_names, read_weights
    arrays = {name.replace("._mean", ".running_mean").replace("._variance", ".running_var"): value.astype(np.float32)
              for name, value in from_torch_names(read_weights(weights)[0]).items()}
    path = folder / "peer.npz"
    np.savez(path, **arrays)
    return path


def write_paddleseg_weights(weights: str | os.PathLike, method: Any, folder: str | os.PathLike) -> str:
    """The weights with PaddleSeg's names, likewise; the file's own names may be those of MODNet's authors."""
    from bgmatting.model.methods.recognition import recognised
    from bgmatting.model.weights import load_paddleseg_state, read_weights
    network = method.build(recognised(weights)[1]["backbone"])
    load_paddleseg_state(network, read_weights(weights)[0])
    path = folder / "paddleseg.npz"
    np.savez(path, **{name: value.numpy() for name, value in network.state_dict().items()})
    return path
