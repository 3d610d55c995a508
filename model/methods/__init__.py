"""The matting methods this project has, each as one object that says what it needs and how it is run and taught.

    from bgmatting.model.methods import find_method
    method = find_method("modnet")
    network = method.build("mobilenetv2")
"""
from __future__ import annotations

import importlib
from collections.abc import Mapping

import numpy as np

from bgmatting.model.methods.method import Method
from bgmatting.utils.errors import UserError, one_line, suggest

# A method's own module imports paddle, which takes seconds, when it builds a network and not before.
METHODS = ("background", "modnet", "dim")  # and the modules here that hold them


def find_method(name: str) -> Method:
    """The ``Method`` called ``name``, one of ``METHODS``.

    Raises:
        UserError: there is no method of that name.
    """
    if name not in METHODS:
        raise UserError(f"unknown method '{name}'.{suggest(name, METHODS)}")
    return importlib.import_module(f".{name}", __name__).METHOD


def method_of(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> tuple[Method, dict]:
    """Whose weights these are.

    Args:
        arrays: {name: ndarray} of a weights file, as ``model.weights.from_torch_names`` leaves them.
        metadata: of its header; where it names a ``method``, that one is meant.

    Returns:
        (Method, what its ``recognise`` answers)

    Raises:
        ValueError: they are no method's, or not those of the one that the header names.
    """
    named = (metadata or {}).get("method")
    if named is not None and named not in METHODS:
        raise ValueError(f"its header names the method '{named}'.{suggest(named, METHODS)}")
    for name in METHODS if named is None else [named]:
        described = find_method(name).recognise(arrays)
        if described is not None:
            return find_method(name), described
    first = f" (the first is {one_line(next(iter(arrays)))[:80]})" if arrays else ""
    raise ValueError(f"its names are not those of {'a matting network' if named is None else f'the method {named}'}{first}")


def method_needing(need: str | None) -> Method:
    """The first method that needs ``need`` beside a photo: "bgr", "trimap" or None."""
    return next(method for method in map(find_method, METHODS) if method.needs == need)
