"""Background matting in real time, at high resolution: from a photo with a subject and one of the empty scene to a matte.

    from bgmatting import Matter
    matte = Matter().predict("photo.jpg", "scene.jpg")     # matte.pha, matte.fgr; arrays and PIL images as well

    from bgmatting import Options, matte_photo, matte_photos, matte_video
    report = matte_video("clip.mp4", Options(bgr="scene.jpg", output="results"))     # files, as predict.py writes them
"""
import os

__version__ = "0.20.0"

# In a checkout the packages stand in the folder above, where people look for them; installed, they stand in this one.
_ABOVE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_ABOVE, "run.sh")):
    __path__.append(_ABOVE)

# Imported when they are asked for: the networks need paddle, which takes seconds to import.
_HOMES = {"Matte": "model.inference.matte", "Matter": "model.inference.matter", "Options": "prediction.options",
          "matte_photo": "prediction.core", "matte_photos": "prediction.core", "matte_video": "prediction.core",
          "UserError": "utils.errors"}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError("module 'bgmatting' has no attribute '{}'".format(name))  # noqa: UP032 (any Python reads this)
    import importlib
    return getattr(importlib.import_module("bgmatting." + _HOMES[name]), name)


def __dir__():
    return sorted(list(globals()) + __all__)
