"""Weights files: safetensors written, and every known format read into {name: ndarray}."""
import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from bgmatting.media import write_bytes
from bgmatting.model.weights.arrays import damage_reported, from_bfloat16
from bgmatting.model.weights.torch_files import read_torch
from bgmatting.model.weights.unpickle import read_pdparams
from bgmatting.utils.errors import UserError, one_line

STARTER = Path(__file__).parent / "starter_mobilenetv2.safetensors"

IN_FOLDERS = tuple(f"model{suffix}" for suffix in (".safetensors", ".pdparams"))  # weights in a folder of a training run
LONGEST_HEADER = 1 << 22  # bytes of a safetensors file's
LARGEST, LARGEST_HALF = (float(np.finfo(kind).max) for kind in (np.float32, np.float16))
WEIGHTS_SUFFIXES = (".safetensors", ".pdparams", ".pth", ".pt")


def save_weights(model, path, metadata=None, half=False):
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


def read_weights(path):
    """Read a weights file.

    Returns:
        (arrays {name: ndarray}, metadata {str: str}); names as the file has them.

    Raises:
        UserError: no such file, not a known format, damaged, a pickle that asks for more than arrays, or numbers that are
            not finite.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise UserError(f"no such weights file: {path}. "
                        "Check the path, or leave --weights out for the starter weights.")
    if path.suffix not in WEIGHTS_SUFFIXES:
        raise UserError(f"{path} is not a weights file; expected one of {' '.join(WEIGHTS_SUFFIXES)}.")
    if path.suffix == ".safetensors":
        arrays, metadata = _read_safetensors(path)
    else:
        arrays, metadata = (read_pdparams if path.suffix == ".pdparams" else read_torch)(path), {}
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(f"{path} cannot be used: {one_line(name)} holds numbers that are not finite, as after a "
                            "training that diverged. Take an earlier checkpoint.")
        if value.dtype == np.float64 and np.abs(value).max(initial=0) > LARGEST:
            raise UserError(f"{path} cannot be used: {one_line(name)} holds numbers beyond those of 32 bits. Take an "
                            "earlier checkpoint.")
    return arrays, metadata


def read_facts(path):
    """What the header of a weights file says, {str: str}, without reading the rest; {} where it says nothing, or cannot be
    read, which is told by whoever reads all of it."""
    try:
        with safe_open(str(path), framework="np") as file:
            return dict(file.metadata() or {}) if Path(path).suffix == ".safetensors" else {}
    except (SafetensorError, OSError):
        return {}


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


def weights_path(name=None):
    """Path of a weights file: ``None`` and "starter" mean the one that comes with the project.

    A folder ``best_model`` or ``iter_N`` of a training run means the weights in it; the folder of the run, those of its
    ``best_model``, or else of its newest ``iter_N``.

    Raises:
        UserError: a folder has no weights in it; or the starter weights are wanted, and the file is missing or not what
            ``STARTER``'s .sha256 file says.
    """
    if name not in (None, "", "starter"):
        return _in_folder(Path(name)) if os.path.isdir(name) else Path(name)
    if not STARTER.is_file():
        raise UserError(f"the starter weights are not at {STARTER}. Fetch the project again, or name --weights.")
    wanted = STARTER.with_suffix(".sha256").read_text(encoding="ascii").split()[0]
    if hashlib.sha256(STARTER.read_bytes()).hexdigest() != wanted:
        raise UserError(f"{STARTER} is damaged: its checksum is not the one beside it. Fetch the project again.")
    return STARTER


def _in_folder(folder):
    numbered = [(int(found[1]), path) for path in folder.glob("iter_*")
                if (found := re.fullmatch(r"iter_([0-9]{1,18})", path.name))]
    for place in (folder, folder / "best_model", *(path for _, path in sorted(numbered, reverse=True))):
        for file in IN_FOLDERS:
            if (place / file).is_file():
                return place / file
    raise UserError(f"no weights in the folder {folder}: it has no {IN_FOLDERS[0]}, nor a best_model or iter_N with one.")
