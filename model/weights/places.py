"""Where weights are: the default ones, those of a training run's folder, and those of methods that none come with."""
from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from bgmatting.model.weights.files import WEIGHTS_SUFFIXES
from bgmatting.utils.errors import UserError

PLACE = Path(__file__).parent
STARTER = PLACE / "starter_mobilenetv2.safetensors"  # the default weights
LAST_STEP = PLACE / "last_step.safetensors"  # the small network that ends a matte
IN_FOLDERS = tuple(f"model{suffix}" for suffix in (".safetensors", ".pdparams"))  # weights in a folder of a training run


def weights_path(name: str | os.PathLike | None = None) -> Path:
    """Path of a weights file: ``None`` and "starter" mean the one that comes with the project.

    A folder ``best_model`` or ``iter_N`` of a training run means the weights in it; the folder of the run, those of its
    ``best_model``, or else of its newest ``iter_N``.

    Raises UserError: a folder has no weights in it; or the starter weights are wanted, and the file is missing or not what
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


def placed_weights(method: Any, backbone: str | None = None) -> Path:
    """The weights file of a method: METHOD-BACKBONE with a weights suffix, or METHOD alone, in ``model/weights``.

    Args:
        method: a ``model.methods.method.Method``. backbone: one of its backbones, or None: the first one that is there.

    Raises UserError: there is none; what to fetch and where it goes is the error's second line.
    """
    backbones = method.backbones if backbone is None else (backbone,)
    for stem in [*(f"{method.name}-{name}" for name in backbones), *([method.name] if backbone is None else [])]:
        for suffix in WEIGHTS_SUFFIXES:
            if (PLACE / f"{stem}{suffix}").is_file():
                return PLACE / f"{stem}{suffix}"
    wanted = backbones[0]
    address = method.published.get(wanted)
    name = f"{method.name}-{wanted}"
    get = f"`bgmatting fetch {name}` gets them; or get {address}" if address else f"Train {method.name} with {wanted}"
    raise UserError(f"the weights of {method.name}{'' if backbone is None else f' with {backbone}'} are not there.",
                    f"{get}, put it into {PLACE} as {name}.pdparams, or name it with --weights.")


def _in_folder(folder):
    numbered = [(int(found[1]), path) for path in folder.glob("iter_*")
                if (found := re.fullmatch(r"iter_([0-9]{1,18})", path.name))]
    for place in (folder, folder / "best_model", *(path for _, path in sorted(numbered, reverse=True))):
        for file in IN_FOLDERS:
            if (place / file).is_file():
                return place / file
    raise UserError(f"no weights in the folder {folder}: it has no {IN_FOLDERS[0]}, nor a best_model or iter_N with one.")
