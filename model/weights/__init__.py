"""Weights are data, not programs: reading and writing them never runs code from a file.

    from bgmatting.model.weights import load_weights, load_torch_state, save_weights

Read: .safetensors (this project's own format), .pdparams (Paddle), .pth / .pt (PyTorch: state dicts in the zip or the
older layout, and TorchScript archives).
"""
from bgmatting.model.weights.files import read_weights, save_weights
from bgmatting.model.weights.loading import LoadReport, describe_state, load_state, load_torch_state, load_weights
from bgmatting.model.weights.naming import from_torch_names
from bgmatting.model.weights.paddleseg import load_paddleseg_state
from bgmatting.model.weights.places import STARTER, weights_path
from bgmatting.utils.files import file_sha256

__all__ = ["LoadReport", "STARTER", "describe_state", "file_sha256", "from_torch_names", "load_paddleseg_state",
           "load_state", "load_torch_state", "load_weights", "read_weights", "save_weights", "weights_path"]
