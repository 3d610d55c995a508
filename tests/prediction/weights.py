"""Weights files of which no more is there than tells whose they are."""
import numpy as np
from safetensors.numpy import save_file

NAMES = {
    "background": {"backbone.features.0.0.weight": (32, 6, 3, 3)},
    "modnet": {"head.f_branch.conv_lr4x.layers.0.weight": (1,), "backbone.conv1._conv.weight": (1,)},
    "modnet-hrnet": {"head.f_branch.conv_lr4x.layers.0.weight": (1,), "backbone.conv_layer1_1._conv.weight": (1,)},
    "dim": {"backbone._conv_6.weight": (1,), "decoder.deconv6.weight": (1,), "refine.alpha_pred._conv.weight": (1,)}}


def write_weights(path, kind):
    """``path`` as text, of a safetensors file that is taken for ``kind``'s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.zeros(shape, np.float32) for name, shape in NAMES[kind].items()}, path)
    return str(path)
