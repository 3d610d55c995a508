"""Weights files: safetensors written, and every known format read into {name: ndarray}."""
import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from model.weights.unpickle import read_pdparams, read_torch
from utils.errors import UserError
from utils.media import write_bytes

WEIGHTS_SUFFIXES = (".safetensors", ".pdparams", ".pth", ".pt")


def save_weights(model, path, metadata=None, half=False):
    """Write the parameters and buffers of ``model`` as safetensors; the file is replaced whole or not at all.

    Args:
        metadata: JSON-able facts for the file's header (backbone, how it was trained, ...).
        half: store floats as float16, half the size.
    """
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in model.state_dict().items()}
    if half:
        arrays = {name: value.astype(np.float16) if value.dtype == np.float32 else value
                  for name, value in arrays.items()}
    header = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}
    write_bytes(path, safetensors_bytes(arrays, metadata=header))


def read_weights(path):
    """Read a weights file.

    Returns:
        (arrays {name: ndarray}, metadata {str: str}); names as the file has them.

    Raises:
        UserError: no such file, not a known format, damaged, or a pickle that asks for more than arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"no such weights file: {path}. "
                        "Check the path, or leave --weights out for the starter weights.")
    if path.suffix not in WEIGHTS_SUFFIXES:
        raise UserError(f"{path} is not a weights file; expected one of {' '.join(WEIGHTS_SUFFIXES)}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return (read_pdparams if path.suffix == ".pdparams" else read_torch)(path), {}


def file_sha256(path):
    """Hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _read_safetensors(path):
    try:
        with safe_open(str(path), framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read as weights: {error}. Fetch it again.") from None
