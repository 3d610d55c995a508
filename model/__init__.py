"""The matting networks and the class that runs them on photos.

    from model import MattingBase, MattingRefine, Matter, MODNet, DIM
"""
import importlib

# Loaded when they are asked for: the networks need paddle, which takes seconds to import, and Matter often does without.
_HOMES = {"Matte": "model.inference.matte", "Matter": "model.inference.matter",
          "MattingBase": "model.matting", "MattingRefine": "model.matting",
          "MODNet": "model.modnet.network", "DIM": "model.dim.network"}
__all__ = ["DIM", "MODNet", "MattingBase", "MattingRefine", "Matte", "Matter"]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'model' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
