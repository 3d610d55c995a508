"""Background matting in real time, at high resolution: from a photo with a subject and one of the empty scene to a matte.

    from bgmatting import Matter
    matte = Matter().predict(src, bgr)     # matte.pha, matte.fgr
"""
import os

__version__ = "0.10.0"

# In a checkout the packages stand in the folder above, where people look for them; installed, they stand in this one.
_ABOVE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_ABOVE, "run.sh")):
    __path__.append(_ABOVE)

# Imported when they are asked for: the networks need paddle, which takes seconds to import.
_HOMES = {"Matte": "model.inference.matte", "Matter": "model.inference.matter", "UserError": "utils.errors"}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'bgmatting' has no attribute '{name}'")
    import importlib
    return getattr(importlib.import_module("bgmatting." + _HOMES[name]), name)


def __dir__():
    return sorted([*globals(), *__all__])
