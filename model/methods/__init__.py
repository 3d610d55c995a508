"""The matting methods this project has, each as one object that says what it needs and how it is run and taught.

    from bgmatting.model.methods import find_method
    method = find_method("modnet")
    network = method.build("mobilenetv2")
"""
import importlib

from bgmatting.utils.errors import UserError, suggest

# A method's own module imports paddle, which takes seconds, when it builds a network and not before.
_HOMES = {name: f"{__name__}.{name}" for name in ("background", "modnet", "dim")}
METHODS = tuple(_HOMES)


def find_method(name):
    """The ``Method`` called ``name``, one of ``METHODS``.

    Raises:
        UserError: there is no method of that name.
    """
    if name not in _HOMES:
        raise UserError(f"unknown method '{name}'.{suggest(name, METHODS)}")
    return importlib.import_module(_HOMES[name]).METHOD


def method_of(arrays, metadata=None):
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
    raise ValueError("its names are not those of " + ("a matting network" if named is None else f"the method {named}"))


def method_needing(need):
    """The first method that needs ``need`` beside a photo: "bgr", "trimap" or None."""
    return next(method for method in map(find_method, METHODS) if method.needs == need)
