"""A matte by a method whose network answers in one go: MODNet, DIM."""
from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from bgmatting.model.inference.engines.base import Engine
from bgmatting.model.inference.foreground import check_foreground, estimate_foreground
from bgmatting.model.inference.matte import Matte, as_dtype
from bgmatting.model.inference.settings import Chosen
from bgmatting.model.methods.method import Method
from bgmatting.utils.errors import UserError


class SingleMatting:
    """The part of ``Matter`` for such a method; arguments of calls are those of ``Matter``'s.

    Args:
        engine: runs the graph "network". settings: ``Matter.settings``. method: the method.
    """

    def __init__(self, engine: Engine, settings: Chosen, method: Method):
        self._engine, self.settings, self._method = engine, settings, method

    def check(self, src: np.ndarray, bgr: np.ndarray | None, trimap: np.ndarray | None) -> None:
        """Raises ValueError where ``Matter.predict`` does."""
        needs = self._method.needs
        given = {name: picture for name, picture in (("bgr", bgr), ("trimap", trimap)) if picture is not None}
        if set(given) != ({needs} if needs else set()):
            raise ValueError(f"the method {self._method.name} needs src " + (f"and {needs}" if needs else "alone"))
        self._method.check(src, given.get(needs))

    def by_rows(self, src: np.ndarray, bgr: np.ndarray | None, trimap: np.ndarray | None, want: Collection[str] | None,
                rows: Callable[[int, Matte], object], dtype: str) -> None:
        """Hand a matte out: whole, since the network has worked on the whole photo."""
        rows(0, self.whole(src, bgr, trimap, want, dtype))

    def whole(self, src: np.ndarray, bgr: np.ndarray | None, trimap: np.ndarray | None, want: Collection[str] | None,
              dtype: str) -> Matte:
        """The matte of a photo."""
        want = self._method.outputs if want is None else want
        check_wanted(self._method, want)
        inputs = self._method.inputs(src, {"bgr": bgr, "trimap": trimap}.get(self._method.needs))
        answer = self._engine.run("network", dict(zip(self._method.input_names, inputs)))[0]
        found = dict(zip(self._method.outputs, np.split(answer, [1])))
        height, width = src.shape[:2]
        made = {"pha": self._method.matte(found["pha"][0], height, width, trimap)}
        if "fgr" in found and "fgr" in want:
            made["fgr"] = self._method.rule.restore(found["fgr"].transpose(1, 2, 0), height, width).clip(0, 1)
        elif "fgr" in want:
            made["fgr"] = estimate_foreground(src, made["pha"])
        return Matte(*(as_dtype(made[name], dtype) if name in want else None for name in Matte._fields))


def check_wanted(method: Method, want: Collection[str]) -> None:
    """Raises UserError where ``want`` names what ``method`` cannot give, alone or with PyMatting."""
    for name in want:
        if name not in ("pha", "fgr", *method.outputs):
            raise UserError(f"{method.name} gives pha and fgr, and no {name}, which is of the method background.")
    if "fgr" in want and "fgr" not in method.outputs:
        check_foreground()
