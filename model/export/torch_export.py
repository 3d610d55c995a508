"""The network as files for PyTorch: TorchScript, and a state dict with the authors' names. Needs torch, not paddle."""
from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bgmatting.model.export.torch_network import Matting, load_state, torch_state
from bgmatting.utils.files import write_bytes

if TYPE_CHECKING:
    from bgmatting.model.matting import MattingRefine

FACTS = "facts.txt"  # name of the facts inside a TorchScript file
MADE_WITH = f"torch {torch.__version__}"


def network_of(arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any], half: bool = False) -> Matting:
    """The network of a weights file; ``settings``: Matting's keyword arguments; ``half``: with parameters of float16.

    Raises UserError: the backbone has no PyTorch definition. ValueError: an array is missing, or has another shape.
    """
    module = Matting(**settings)
    load_state(module, torch_state(arrays))
    module.eval().requires_grad_(False)
    return module.half() if half else module


def write_script(module: Matting, path: Path, facts: str) -> None:
    """Write TorchScript, whose settings are attributes that programs may set; ``facts`` go into it as a text file."""
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the authors' programs read nothing newer
        torch.jit.save(torch.jit.script(module), content, _extra_files={FACTS: facts})
    write_bytes(path, content.getvalue())


def write_state(module: Matting, path: Path) -> None:
    """Write a state dict, which the authors' networks load."""
    content = io.BytesIO()
    torch.save(module.state_dict(), content)
    write_bytes(path, content.getvalue())


def run_script(path: Path, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """pha, fgr, err and ref of a TorchScript file for float32 inputs src and bgr; computed in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return _outputs(torch.jit.load(str(path), "cpu").float(), inputs)


def run_state(path: Path, inputs: Mapping[str, np.ndarray], network: MattingRefine) -> dict[str, np.ndarray]:
    """The same of a state dict, with the settings of ``network``."""
    state = torch.load(path, "cpu", weights_only=True)
    has_refiner = any(name.startswith("refiner.") for name in state)
    kernel_size = 2 * network.refiner.reach + 1 if has_refiner else None
    module = Matting(network.backbone_name, network.backbone_scale, *network.refiner.refinement, kernel_size)
    module.load_state_dict(state)
    return _outputs(module.eval(), inputs)


def _outputs(module, inputs):
    with torch.no_grad():
        pha, fgr, _, _, err, ref = module(*map(torch.from_numpy, inputs.values()))
    return {"pha": pha.numpy(), "fgr": fgr.numpy(), "err": err.numpy(), "ref": ref.numpy()}
