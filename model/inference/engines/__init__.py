"""Engines that run the network, and the choice among them."""
from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent, EngineError, reason
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.machine import computes_in_bf16

__all__ = ["ENGINES", "Engine", "EngineError", "open_engine"]

ENGINES = {"openvino": ".openvino:OpenvinoEngine", "onnxruntime": ".onnx:OnnxEngine",
           "paddle-inference": ".paddle_inference:InferenceEngine", "paddle": ".eager:DygraphEngine"}
ON_GPU = ("paddle", "paddle-inference")
FASTEST = {"cpu": ("openvino", "onnxruntime", "paddle"), "gpu": ("paddle",)}  # fastest first


def open_engine(name: str, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], sha256: str, device: str,
                precision: str = "fp32", threads: int | None = None, tf32: bool = False) -> Engine:
    """The engine called ``name``, or for "auto" the fastest that is installed and sound on ``device``.

    Args:
        described, arrays: as for ``model.inference.engines.makers.maker_of``; sha256: of the weights file.
        device: "cpu" or "gpu:N". precision: "fp32", "fp16", "bf16", or "auto": bf16 in OpenVINO where this CPU has
            instructions for it and the self-check passes, else fp32. threads: on a CPU; None: the engine's own choice.
        tf32: whether a GPU rounds the factors of float32 products, which ``utils.machine.set_tf32`` sets.

    Raises:
        UserError: no such engine, or the one that is named cannot be used here.

    Warns:
        RuntimeWarning: "auto" passes over an engine that is installed and does not work.
    """
    if name not in ("auto", *ENGINES):
        raise UserError(f"unknown backend '{name}'.{suggest(name, ('auto', *ENGINES))}")
    reasons = []
    for candidate, chosen in _candidates(name, device, precision):
        try:
            return _open(candidate, described, arrays, sha256, device, chosen, threads, tf32)
        except EngineError as error:
            reasons.append(f"{candidate}: {error}")
            if "auto" in (name, precision) and not isinstance(error, EngineAbsent):
                passed_over = candidate if chosen == "fp32" else f"{candidate} in {chosen}"
                warnings.warn(f"backend {passed_over} is passed over: {error}.", RuntimeWarning, stacklevel=3)
    where = f"backend '{name}' cannot be used"
    if name == "auto":
        where = f"no backend works on {device}" if precision == "auto" else f"no backend computes in {precision} on {device}"
    raise UserError(f"{where}: {'; '.join(reasons)}.")


def _candidates(name, device, precision):
    """[(engine, precision)] in the order they are tried."""
    names = FASTEST[device.split(":")[0]] if name == "auto" else (name,)
    if precision != "auto":
        return [(candidate, precision) for candidate in names]
    faster = [("openvino", "bf16")] if device == "cpu" and "openvino" in names and computes_in_bf16() else []
    return faster + [(candidate, "fp32") for candidate in names]


def _open(name, described, arrays, sha256, device, precision, threads, tf32):
    options = [tf32] if name in ON_GPU else []
    try:
        return _class_of(name)(described, arrays, device, precision, sha256, threads, *options)
    except (EngineError, UserError, MemoryError):
        raise
    except Exception as error:  # whatever a foreign runtime raises, it must not stop the others from being tried
        if name == "paddle" and isinstance(error, ValueError):
            raise  # of the weights
        raise EngineError(reason(error)) from error


def _class_of(name):
    module, attribute = ENGINES[name].split(":")
    return getattr(importlib.import_module(module, __name__), attribute)
