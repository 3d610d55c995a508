"""The matting methods this project has, each as one object that says what it needs and how it is run and taught.

    from bgmatting.model.methods import find_method
    method = find_method("modnet")
    network = method.build("mobilenetv2")
"""
from __future__ import annotations

import importlib

from bgmatting.model.methods.method import Method
from bgmatting.utils.errors import UserError, suggest

# A method's own module imports paddle, which takes seconds, when it builds a network and not before.
METHODS = ("background", "modnet", "dim")  # and the modules here that hold them


def find_method(name: str) -> Method:
    """The ``Method`` called ``name``. Raises UserError: it is none of ``METHODS``."""
    if name not in METHODS:
        raise UserError(f"unknown method '{name}'.{suggest(name, METHODS)}")
    return importlib.import_module(f".{name}", __name__).METHOD


def method_needing(need: str | None) -> Method:
    """The first method that needs ``need`` beside a photo: "bgr", "trimap" or None."""
    return next(method for method in map(find_method, METHODS) if method.needs == need)
