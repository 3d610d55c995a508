"""A matting method to the programs that run it: what it needs, what it answers, what teaches it. Needs no paddle."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from bgmatting.model.methods.input_rule import InputRule

if TYPE_CHECKING:
    from paddle import Tensor
    from paddle.nn import Layer


@dataclass(frozen=True)
class Method:
    """A matting method.

    Attributes:
        name: as ``model.methods.find_method`` knows it.
        needs: what it needs beside the photo: "bgr" (a photo of the empty scene), "trimap", or None.
        backbones: names that ``build`` takes.
        build: build(backbone, **settings) -> the network, newly made, with training's initial values.
        rule: how a photo becomes the network's input.
        outputs: what ``answer`` finds, a part of ("pha", "fgr").
        answer: answer(network, *inputs) -> {output: tensor (B, 1 or 3, h, w) in 0..1}; ``inputs`` as ``inputs`` makes them.
        terms: terms(network, batch) -> {name: scalar tensor}, the losses of one batch, not weighted. The batch is a dict of
            tensors: "src", "bgr", "fgr" (B, 3, H, W) in 0..1, the photo and what it was composed of; "pha" (B, 1, H, W) in
            0..1; "trimap" (B, 1, H, W), 0, 128 / 255 or 1.
        weights: {name of a term: its factor}; those not named count once.
        recognise: recognise({name: ndarray} of a weights file) -> {"backbone": one of ``backbones``, ...}, or None where
            it is not this method's. Names are as ``model.weights.from_torch_names`` leaves them.
        refines: whether the work is cut in two, the whole photo small and parts of it at full size
            (``model.inference.pair``); else the network answers in one go (``model.inference.single``).
        published: {backbone: address of its published weights file}.
        smoothing: what suits videos, one of ``prediction.smoothing``'s words.
        pixel_bytes: memory that the network takes for each pixel of its input, roughly; 0: it does not matter.
    """
    name: str
    needs: str | None
    backbones: tuple[str, ...]
    build: Callable
    rule: InputRule
    outputs: tuple[str, ...]
    answer: Callable
    terms: Callable
    weights: Mapping[str, float] = field(default_factory=dict)
    recognise: Callable = lambda arrays: None
    refines: bool = False
    published: Mapping[str, str] = field(default_factory=dict)
    smoothing: str = "flow"
    pixel_bytes: int = 0

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of what ``inputs`` makes, as graphs call them: "img", and what the method needs."""
        return ("img",) if self.needs is None else ("img", self.needs)

    def inputs(self, photo: np.ndarray, extra: np.ndarray | None = None) -> list[np.ndarray]:
        """The network's inputs for one photo, as float32 arrays (1, C, h, w).

        Args:
            photo: uint8 (H, W, 3), RGB.
            extra: what the method ``needs``: bgr uint8 (H, W, 3), or trimap uint8 (H, W), 0 background, 255 foreground, any
                other value unknown; None where it needs nothing.

        Raises ValueError: an image is not of that kind, they differ in size, or ``extra`` is missing or too much.
        """
        self.check(photo, extra)
        found = [self.rule.photo(photo)]
        if extra is not None:
            found.append(self.rule.photo(extra) if self.needs == "bgr" else self.rule.trimap(extra))
        return found

    def check(self, photo: np.ndarray, extra: np.ndarray | None = None) -> None:
        """Raises ValueError where ``inputs`` does."""
        _check_picture("photo", photo, 3)
        if (extra is None) != (self.needs is None):
            raise ValueError(f"{self.name} needs {'a photo alone' if self.needs is None else f'a photo and {self.needs}'}")
        if extra is not None:
            _check_picture(self.needs, extra, 3 if self.needs == "bgr" else None)
            if extra.shape[:2] != photo.shape[:2]:
                raise ValueError(f"photo and {self.needs} must have one size, not {photo.shape[:2]} and {extra.shape[:2]}")

    def matte(self, pha: np.ndarray, height: int, width: int, trimap: np.ndarray | None = None) -> np.ndarray:
        """Alpha at the photo's size, float32 (height, width) in 0..1.

        Args:
            pha: float (h, w), the network's answer to ``inputs``.
            trimap: uint8 (height, width); where it knows alpha, its word counts.
        """
        pha = self.rule.restore(pha, height, width).clip(0, 1)
        if trimap is not None:
            pha[trimap == 0] = 0
            pha[trimap == 255] = 1
        return pha

    def matted(self, network: Layer, photo: np.ndarray, extra: np.ndarray | None = None) -> np.ndarray:
        """Alpha of one photo, float32 (H, W) in 0..1, by the network as it is, in Paddle on its current device.

        Args:
            photo, extra: of ``inputs``, which says what is raised, too.
        """
        import paddle
        with paddle.no_grad():
            answer = self.answer(network, *(paddle.to_tensor(x) for x in self.inputs(photo, extra)))
        return self.matte(answer["pha"].numpy()[0, 0], *photo.shape[:2], extra if self.needs == "trimap" else None)

    def loss(self, terms: Mapping[str, Any]) -> Any:
        """The sum of ``terms``' answer, weighted."""
        return sum(self.weights.get(name, 1) * value for name, value in terms.items())


def _check_picture(name, picture, channels):
    shape = "(H, W, 3)" if channels else "(H, W)"
    if picture.dtype != np.uint8 or picture.ndim != (3 if channels else 2) or (channels and picture.shape[2] != channels):
        raise ValueError(f"{name} must be uint8 {shape}, not {picture.dtype} {picture.shape}")
    if picture.size == 0:
        raise ValueError(f"{name} is empty: {picture.shape[:2]}")


def unknown_of(trimap: Tensor) -> Tensor:
    """(B, 1, H, W) in 0..1 -> the same shape and type, 1 where it is neither background (0) nor foreground (1), else 0."""
    return ((trimap > 0.25) & (trimap < 0.75)).astype(trimap.dtype)


def unwrapped(network: Layer) -> Layer:
    """The network itself where ``network`` is a ``paddle.DataParallel`` around it."""
    return getattr(network, "_layers", network)
