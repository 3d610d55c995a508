"""Weights files: safetensors written, and every known format read into {name: ndarray}."""
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from bgmatting.media import write_bytes
from bgmatting.model.weights.state_dict import arrays_only, damage_reported
from bgmatting.model.weights.torch_files import read_torch
from bgmatting.model.weights.unpickle import ArrayReader, Budget, from_bfloat16
from bgmatting.utils.errors import UserError, one_line

if TYPE_CHECKING:
    from paddle.nn import Layer

LONGEST_HEADER = 1 << 22  # bytes of a safetensors file's
LARGEST, LARGEST_HALF = (float(np.finfo(kind).max) for kind in (np.float32, np.float16))
WEIGHTS_SUFFIXES = (".safetensors", ".pdparams", ".pth", ".pt")


def save_weights(model: Layer, path: str | os.PathLike, metadata: Mapping[str, Any] | None = None,
                 half: bool = False) -> None:
    """Write the parameters and buffers of ``model`` as safetensors; the file is replaced whole or not at all.

    Args:
        metadata: JSON-able facts for the file's header (backbone, how it was trained, ...).
        half: store floats as float16, half the size; arrays with numbers that float16 has not stay as they are.
    """
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in model.state_dict().items()}
    if half:
        arrays = {name: value.astype(np.float16) if value.dtype == np.float32
                  and np.abs(value).max(initial=0) <= LARGEST_HALF else value for name, value in arrays.items()}
    header = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}
    write_bytes(path, safetensors_bytes(arrays, metadata=header))


def read_weights(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a weights file.

    Returns:
        (arrays {name: ndarray}, metadata {str: str}); names as the file has them.

    Raises:
        UserError: no such file, not a known format, damaged, a pickle that asks for more than arrays, or numbers that are
            not finite.
    """
    path = Path(path)
    if not os.path.isfile(path):
        beside = [one_line(other) for other in sorted(path.parent.glob("*")) if other.suffix in WEIGHTS_SUFFIXES][:3]
        raise UserError(f"no such weights file: {path}. " + (f"There is {', '.join(beside)}." if beside else
                        "Check the path, or leave --weights out for the starter weights."))
    if path.suffix not in WEIGHTS_SUFFIXES:
        raise UserError(f"{path} is not a weights file; expected one of {' '.join(WEIGHTS_SUFFIXES)}.")
    if path.suffix == ".safetensors":
        arrays, metadata = _read_safetensors(path)
    else:
        arrays, metadata = (_read_pdparams if path.suffix == ".pdparams" else read_torch)(path), {}
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(f"{path} cannot be used: {one_line(name)} holds numbers that are not finite, as after a "
                            "training that diverged. Take an earlier checkpoint.")
        if value.dtype == np.float64 and np.abs(value).max(initial=0) > LARGEST:
            raise UserError(f"{path} cannot be used: {one_line(name)} holds numbers beyond those of 32 bits. Take an "
                            "earlier checkpoint.")
    return arrays, metadata


def _read_pdparams(path):
    """What ``paddle.save`` wrote; bfloat16 comes as uint16, and is read as float32."""
    with damage_reported(path), open(path, "rb") as file:
        return arrays_only(ArrayReader(file, Budget()).load(), path,
                           lambda array: from_bfloat16(array) if array.dtype == np.uint16 else array)


def _read_safetensors(path):
    """Numpy has no bfloat16: it is read as float32."""
    with damage_reported(path):
        try:
            header = _safetensors_header(path)
            with safe_open(str(path), framework="np") as file:
                metadata = dict(file.metadata() or {})
                facts = json.loads(header)
                wide = {name for name in file.keys() if facts[name]["dtype"] == "BF16"}  # noqa: SIM118
                arrays = {name: file.get_tensor(name) for name in file.keys() if name not in wide}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(error) from None
        with open(path, "rb") as file:
            for name in sorted(wide):
                begin, end = facts[name]["data_offsets"]
                file.seek(8 + len(header) + begin)
                bits = np.frombuffer(file.read(end - begin), "<u2")
                arrays[name] = from_bfloat16(bits).reshape(facts[name]["shape"])
    return arrays, metadata


def _safetensors_header(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError(f"its header has {length} bytes")
        return file.read(length)
