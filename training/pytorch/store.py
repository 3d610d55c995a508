"""Files of a run: weights under the authors' names, and checkpoints that are replaced whole or not at all."""
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PADDLE_BUFFERS = {"._mean": ".running_mean", "._variance": ".running_var"}


def read_state(path):
    """{name: float32 tensor} of a .safetensors file with the authors' names or this project's."""
    state = {}
    for name, value in load_file(str(path)).items():
        for own, theirs in PADDLE_BUFFERS.items():
            name = name[:-len(own)] + theirs if name.endswith(own) else name
        state[name] = value.float()
    return state


def load(model, state):
    """Put ``state`` into ``model``, which may have fewer parameters.

    Raises:
        ValueError: one that it has is missing.
    """
    missing = [name for name in model.load_state_dict(state, strict=False).missing_keys
               if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{len(missing)} arrays are missing, first {missing[0]}")


def weights_of(model):
    """The state of ``model`` as files have it: without BatchNorm's step counters."""
    return {name: value.detach().contiguous() for name, value in model.state_dict().items()
            if not name.endswith("num_batches_tracked")}


def write_weights(state, path):
    """Write {name: tensor} as .safetensors."""
    replace(path, lambda part: save_file({name: value.contiguous() for name, value in state.items()}, part))


def write_checkpoint(content, path):
    """Write what a run needs to go on: tensors, numbers, dicts and lists of them."""
    replace(path, lambda part: torch.save(content, part))


def read_checkpoint(path):
    """What ``write_checkpoint`` wrote, or None where there is none. Runs no code from the file."""
    return torch.load(path, weights_only=True) if Path(path).is_file() else None


def replace(path, write):
    """Let ``write(part)`` fill a file beside ``path`` and move it there."""
    part = f"{path}.part"
    write(part)
    os.replace(part, path)


def mean(states):
    """The mean of several states of one network, in float64 on the way."""
    return {name: torch.stack([state[name].double() for state in states]).mean(0).float() for name in states[0]}
