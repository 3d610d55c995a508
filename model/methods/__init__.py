"""The matting methods this project has, each as one object that says what it needs and how it is run and taught.

    from model.methods import find_method
    method = find_method("modnet")
    network = method.build("mobilenetv2")
"""
import importlib

from utils.errors import UserError, suggest

# Loaded when they are asked for: networks need paddle, which takes seconds to import.
_HOMES = {"background": "model.methods.background", "modnet": "model.methods.modnet", "dim": "model.methods.dim"}
METHODS = tuple(_HOMES)


def find_method(name):
    """The ``Method`` called ``name``, one of ``METHODS``.

    Raises:
        UserError: there is no method of that name.
    """
    if name not in _HOMES:
        raise UserError(f"unknown method '{name}'.{suggest(name, METHODS)}")
    return importlib.import_module(_HOMES[name]).METHOD
