"""The subject's own colours from a photo and alpha, where a network finds alpha alone.

By PyMatting (optional): Germer et al., "Fast Multi-Level Foreground Estimation" (ICPR 2020).
"""
import importlib.util

import numpy as np

from bgmatting.utils.errors import UserError


def check_foreground() -> None:
    """Raises UserError where PyMatting is not installed."""
    if importlib.util.find_spec("pymatting") is None:
        raise UserError("the subject's colours (com, fgr) need PyMatting, which is not installed. Run `pip install "
                        "pymatting`, or ask for pha alone with --type pha.")


def estimate_foreground(src: np.ndarray, pha: np.ndarray) -> np.ndarray:
    """Estimate the subject's colours where it mixes with what lies behind it.

    Args:
        src: uint8 (H, W, 3) RGB. pha: float32 (H, W) in 0..1.

    Returns float32 (H, W, 3) in 0..1. Raises UserError: PyMatting is not installed.
    """
    check_foreground()
    from pymatting import estimate_foreground_ml  # optional, and slow to import: it compiles
    fgr = estimate_foreground_ml(src.astype(np.float32) / np.float32(255), pha.astype(np.float32))
    return np.clip(fgr, 0, 1).astype(np.float32, copy=False)
