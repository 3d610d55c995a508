"""How the methods are taught: each as one object that training asks. Those not named here are taught as ``general`` says."""
from __future__ import annotations

import importlib

from bgmatting.model.methods import find_method
from bgmatting.training.lessons.lesson import Lesson

_HOMES = {"background": "bgmatting.training.lessons.background"}  # methods with phases and settings of their own


def find_lesson(name: str) -> Lesson:
    """The ``Lesson`` of a method of ``model.methods.METHODS``. Raises UserError: there is none of that name."""
    method = find_method(name)
    if name in _HOMES:
        return importlib.import_module(_HOMES[name]).LESSON
    from bgmatting.training.lessons.general import lesson_of
    return lesson_of(method)


__all__ = ["Lesson", "find_lesson"]
