"""The whole network on a device, layer by layer: validation while training, and photos on a GPU."""
import contextlib

import numpy as np
import paddle
from paddle.nn import functional as F

from model.inference.engines.network import AMP_TYPES, place_of
from model.inference.matte import Matte, checked_size, padded


def run_network(network, src, bgr, device, backbone_scale=None, precision="fp32", refinement=None):
    """Matte one photo with a MattingRefine on ``device``.

    Args:
        device: "cpu" or "gpu:N", where the network is.
        backbone_scale, refinement: None: the network's own.
        precision: "fp32", or on a GPU "fp16" or "bf16".
        src, bgr: as for ``Matter.predict``, which says what comes back and what is raised, too.
    """
    height, width = checked_size(src, bgr)
    mixed = paddle.amp.auto_cast(dtype=AMP_TYPES[precision]) if precision != "fp32" else contextlib.nullcontext()
    with paddle.no_grad(), mixed:
        out = network(_tensor(src, device), _tensor(bgr, device), backbone_scale, refinement)
        size = list(out.pha.shape[2:])
        err = F.interpolate(out.err_sm.astype("float32"), size=size, mode="bilinear", align_corners=False)
        ref = F.interpolate(out.ref_sm.astype("float32"), size=size, mode="nearest")
    pha, fgr, err, ref = (x[0].astype("float32").numpy()[:, :height, :width] for x in (out.pha, out.fgr, err, ref))
    return Matte(pha[0], np.ascontiguousarray(fgr.transpose(1, 2, 0)), err[0], ref[0])


def _tensor(photo, device):
    """uint8 (H, W, 3) -> float (1, 3, H', W') in 0..1, sides made multiples of 4."""
    x = np.ascontiguousarray(padded(photo).transpose(2, 0, 1)[None]).astype(np.float32) / 255
    return paddle.to_tensor(x, place=place_of(device))
