"""The matting networks and the class that runs them on photos.

    from bgmatting.model import MattingBase, MattingRefine, Matter, MODNet, DIM
"""
import importlib

# Loaded when they are asked for: the networks need paddle, which takes seconds to import, and Matter often does without.
_HOMES = {"Matte": "bgmatting.model.inference.matte", "Matter": "bgmatting.model.inference.matter",
          "MattingBase": "bgmatting.model.matting", "MattingRefine": "bgmatting.model.matting",
          "MODNet": "bgmatting.model.modnet.network", "DIM": "bgmatting.model.dim.network"}
__all__ = ["DIM", "MODNet", "MattingBase", "MattingRefine", "Matte", "Matter"]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


if __name__ == "model":  # in a checkout: this import is for users; modules have one name, bgmatting.model...
    __path__ = []
