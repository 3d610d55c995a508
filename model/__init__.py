"""The matting networks and the class that runs them on photos.

    from bgmatting.model import MattingBase, MattingRefine, Matter, MODNet, DIM
"""
import importlib
from typing import Any

# Loaded when they are asked for: the networks need paddle, which takes seconds to import, and Matter often does without.
_HOMES = {"Matte": ".inference.matte", "Matter": ".inference.matter", "Settings": ".inference.settings",
          "MattingBase": ".matting", "MattingRefine": ".matting", "MODNet": ".modnet.network", "DIM": ".dim.network"}
__all__ = ["DIM", "MODNet", "MattingBase", "MattingRefine", "Matte", "Matter", "Settings"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)


if __name__ == "model":  # in a checkout: this import is for users; modules have one name, bgmatting.model...
    __path__ = []
