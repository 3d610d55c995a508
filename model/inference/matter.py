"""Matter: from a photo, and what its method needs beside it, to a matte. The only door to inference."""
from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from bgmatting.model.inference.blocks import blocks_within
from bgmatting.model.inference.engines.choice import open_engine
from bgmatting.model.inference.matte import BRIEF, DTYPES, Matte
from bgmatting.model.inference.pair import PairMatting
from bgmatting.model.inference.photos import Picture, opened
from bgmatting.model.inference.settings import Chosen, Settings
from bgmatting.model.inference.single import SingleMatting
from bgmatting.model.methods.recognition import read_network
from bgmatting.model.refinement import Refinement, check_backbone_scale, check_refinement
from bgmatting.model.weights import file_sha256
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.machine import find_device, set_tf32

REFINING = "backbone_scale", "refine_mode", "sample_pixels", "threshold"  # settings that the weights file may decide


class Matter:
    """Runs a matting method on photos of any size. May be used by several threads, and as a context manager.

    The weights decide the method: "background" (src and bgr), "modnet" (src alone), "dim" (src and a trimap).

    Args:
        settings: ``Settings``, or a weights file, or None for the starter weights.
        fields: fields of ``Settings``, by name or in order; they override ``settings``.

    Attributes:
        method: the ``Method``.
        settings: ``Chosen``, what it runs with; replaced when a setting is set.

    Raises:
        UserError: the weights cannot be read or used, or a setting is unknown or belongs to another method.

    Example:
        from bgmatting.model import Matter
        with Matter() as matter:
            pha = matter.predict("src.jpg", "bgr.jpg").pha      # or uint8 RGB arrays of one size, or PIL images
    """

    def __init__(self, settings: Settings | str | os.PathLike | None = None, *fields: Any, **named: Any):
        if isinstance(settings, Settings):
            given = replace(settings, **named)
        else:
            given = Settings(*(() if settings is None and not fields else (settings,)), *fields, **named)
        file = read_network(given.weights)
        self.method, described = file.method, file.described
        scale, refinement, told = file.settings({
            "backbone_scale": given.backbone_scale, "refine_mode": given.refine_mode,
            "refine_sample_pixels": given.sample_pixels, "refine_threshold": given.threshold})
        device, refines = find_device(given.device), self.method.refines
        settings = Chosen(str(file.path), file_sha256(file.path), given.backend, device, self.method.name,
                          described["backbone"], given.precision, unmix=bool(given.unmix) and refines,
                          fill=bool(given.fill and given.unmix) and refines,
                          tf32=None if device == "cpu" else set_tf32(given.tf32))
        if refines:
            settings = replace(settings, backbone_scale=scale or "auto", refine_mode=refinement.mode,
                               sample_pixels=refinement.sample_pixels, threshold=refinement.threshold,
                               told_by_weights=tuple(told),
                               asked=frozenset(name for name in REFINING if getattr(given, name) is not None))
        most = blocks_within(given.max_memory)
        on_device = given.on_device
        if on_device is None:
            on_device = device != "cpu" and given.backend in ("auto", "paddle")
        try:
            engine = open_engine("paddle" if on_device else given.backend, described, file.arrays, settings.sha256, device,
                                 given.precision, given.threads, bool(settings.tf32))
        except ValueError as error:
            raise error if isinstance(error, UserError) else UserError(f"{file.path} cannot be used: {error}") from None
        self._engine, self._fit = engine, given.fitter() if refines else None
        self.settings = replace(settings, backend=engine.name, precision=engine.precision)
        self._dtype = BRIEF[given.bits] if given.bits == 8 or on_device and given.bits is not None else "float32"
        self.device_matting = None  # the whole work on the device, where it is done there
        if not refines:
            self._way = SingleMatting(engine, self.settings, self.method)
            return
        self._refines = described["refine_kernel_size"] is not None
        if on_device:
            from bgmatting.model.inference.device_matting import DeviceMatting  # imports paddle
            self.device_matting = DeviceMatting(engine.network, device, engine.precision, most)
        self._way = PairMatting(engine, self.settings, described["refine_kernel_size"], most, self.device_matting)

    def _set(self, **changes: Any) -> None:
        settings = replace(self.settings, asked=frozenset(self.settings.asked | changes.keys()), **changes)
        check_refinement(settings.refinement)
        if settings.backbone_scale != "auto":
            check_backbone_scale(settings.backbone_scale)
        self.settings = self._way.settings = settings

    def __enter__(self) -> Matter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def sample_pixels(self) -> int:
        """How many pixels mode "sampling" refines; may be set between calls. Stays 0 for what does not refine.

        Raises:
            UserError: set to less than 0.
        """
        return self.settings.sample_pixels or 0

    @sample_pixels.setter
    def sample_pixels(self, count: int) -> None:
        check_refinement(Refinement(sample_pixels=count))
        if self.method.refines and self._refines:
            self._set(sample_pixels=int(count))

    @property
    def backbone_scale(self) -> float | str:
        """Size of the coarse network's input relative to the photo, or "auto"; may be set between calls.

        Raises:
            UserError: set to a number that is not above 0 and at most 1.
        """
        return self.settings.backbone_scale

    @backbone_scale.setter
    def backbone_scale(self, scale: float | str) -> None:
        self._set(backbone_scale=scale)

    @property
    def streams(self) -> int:
        """How many calls of ``predict`` from as many threads the cores are divided among; may be set between calls.

        One call alone is fastest with 1, which it is at first. Many photos of one size, such as the frames of a video, are
        done sooner where each core works on its own. Stays 1 where the engine has no such setting.

        Raises:
            UserError: set to less than 1.
        """
        return self._engine.streams

    @streams.setter
    def streams(self, count: int) -> None:
        if count < 1:
            raise UserError(f"the number of calls at once is at least 1, not {count}.")
        self._engine.share(int(count))

    def with_settings(self, bits: int | None = None, **changes: Any) -> Matter:
        """Return another ``Matter`` on the same engine with some settings changed; this one stays as it is.

        Args:
            bits: as ``Settings``. changes: of ``settings``: fill, unmix, backbone_scale, refine_mode, sample_pixels,
                threshold. fill is off where unmix is; of a method that does not refine all are passed over.

        Raises UserError: one of them is out of its range.
        """
        other = copy.copy(self)
        on_device = self.device_matting is not None
        other._dtype = BRIEF[bits] if bits == 8 or on_device and bits is not None else "float32"
        if self.method.refines:
            other._way = copy.copy(self._way)
            other._set(**changes)
            other._set(fill=other.settings.fill and other.settings.unmix)
        return other

    def close(self) -> None:
        """Give the engine's memory back; the object is not used afterwards."""
        self._engine.close()

    def predict(self, src: Picture, bgr: Picture | None = None, want: Collection[str] | None = None,
                rows: Callable[[int, Matte], object] | None = None, dtype: str | None = None,
                trimap: Picture | None = None) -> Matte | None:
        """Matte one photo.

        Args:
            src: the photo with the subject: uint8 RGB (H, W, 3), a PIL image, or the path of a file.
            bgr: the same scene without it, likewise, where ``method.needs`` is "bgr".
            want: which of "pha", "fgr", "err", "ref" to make; the others are None, and cost nothing. None: all that the
                method's network finds. Where it finds no fgr, PyMatting does (``model.inference.foreground``); err and ref
                are of the method background alone.
            rows: None, or called with (top, Matte of the rows from there) again and again until all are handed out, for
                photos whose whole colours would take too much memory.
            dtype: of what comes back: "float32", "float16", or "uint8", which is 255 times the value, rounded, on a GPU
                before it comes back. None: as ``bits`` of this Matter has it, else "float32".
            trimap: uint8 (H, W), a PIL image or a path: 0 background, 255 foreground, any other value unknown, where
                ``method.needs`` is "trimap".

        Returns:
            Matte(pha (H, W), fgr (H, W, 3), err (H, W), ref (H, W)) in 0..1; ref is 1 where it was refined. None where
            ``rows`` is given.

        Raises:
            ValueError: arrays of another dtype, nothing in them, they differ in size, one is missing or too much; or a
                ``dtype`` or a name in ``want`` not known.
            UserError: ``want`` names what the method cannot give, PyMatting is needed and not installed, uint8 is asked
                for and the network's numbers are not finite, or a file cannot be read.
        """
        want = (want,) if isinstance(want, str) else want
        for name in want or ():
            if name not in Matte._fields:
                raise ValueError(f"'{name}' is no part of a matte.{suggest(name, Matte._fields)}")
        src, bgr, trimap = opened(src, bgr, trimap)
        self._way.check(src, bgr, trimap)
        if self._fit is not None:
            bgr, notes = self._fit(src, bgr)
            for note in notes:
                warnings.warn(note, RuntimeWarning, stacklevel=2)
        if rows is None:
            return self._way.whole(src, bgr, trimap, want, self._answer(dtype))
        self._way.by_rows(src, bgr, trimap, want, rows, self._answer(dtype))
        return None

    def predict_batch(self, srcs: Sequence[Picture], bgrs: Sequence[Picture] | None = None,
                      want: Collection[str] | None = None, dtype: str | None = None,
                      trimaps: Sequence[Picture] | None = None) -> list[Matte]:
        """Matte photos one after the other: lists as long as each other, of what ``predict`` takes."""
        bgrs, trimaps = ([None] * len(srcs) if given is None else given for given in (bgrs, trimaps))
        if {len(srcs)} != {len(bgrs), len(trimaps)}:
            raise ValueError("a batch is as many src as bgr")
        return [self.predict(src, bgr, want, None, dtype, trimap) for src, bgr, trimap in zip(srcs, bgrs, trimaps)]

    def _answer(self, dtype: str | None) -> str:
        """The ``dtype`` of a call, of which this Matter has its own."""
        if dtype not in (None, *DTYPES):
            raise ValueError(f"mattes are made as {', '.join(DTYPES)}, not as {dtype}")
        return dtype or self._dtype
