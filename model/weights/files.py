"""Weights files: safetensors written, and every known format read into {name: ndarray}."""
import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from media import write_bytes
from model.weights.torch_files import read_torch
from model.weights.unpickle import read_pdparams
from utils.errors import UserError, one_line

STARTER = Path(__file__).parent / "starter_mobilenetv2.safetensors"

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
        UserError: no such file, not a known format, damaged, a pickle that asks for more than arrays, or numbers that are
            not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"no such weights file: {path}. "
                        "Check the path, or leave --weights out for the starter weights.")
    if path.suffix not in WEIGHTS_SUFFIXES:
        raise UserError(f"{path} is not a weights file; expected one of {' '.join(WEIGHTS_SUFFIXES)}.")
    if path.suffix == ".safetensors":
        arrays, metadata = _read_safetensors(path)
    else:
        arrays, metadata = (_read_paddle if path.suffix == ".pdparams" else read_torch)(path), {}
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(f"{path} cannot be used: {one_line(name)} holds numbers that are not finite, as after a "
                            "training that diverged. Take an earlier checkpoint.")
    return arrays, metadata


def _read_paddle(path):
    """Paddle has no numpy type for bfloat16, and stores its bits as uint16, which no network has."""
    return {name: (value.astype(np.uint32) << 16).view(np.float32) if value.dtype == np.uint16 else value
            for name, value in read_pdparams(path).items()}


def _read_safetensors(path):
    try:
        with safe_open(str(path), framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            # a numpy that another package has extended knows bfloat16, and calls it no float
            arrays = {name: value.astype(np.float32) if value.dtype.name == "bfloat16" else value
                      for name, value in arrays.items()}
            return arrays, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read as weights: {error}. Fetch it again.") from None


def weights_path(name=None):
    """Path of a weights file: ``None`` and "starter" mean the one that comes with the project.

    Raises:
        UserError: the starter weights are wanted, and the file is missing or not what ``STARTER``'s .sha256 file says.
    """
    if name not in (None, "", "starter"):
        return Path(name)
    if not STARTER.is_file():
        raise UserError(f"the starter weights are not at {STARTER}. Fetch the project again, or name --weights.")
    wanted = STARTER.with_suffix(".sha256").read_text(encoding="ascii").split()[0]
    if hashlib.sha256(STARTER.read_bytes()).hexdigest() != wanted:
        raise UserError(f"{STARTER} is damaged: its checksum is not the one beside it. Fetch the project again.")
    return STARTER
