"""Which engine runs a network: the one that is named, or the fastest that is installed and sound."""
from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent, EngineError, reason
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.machine import computes_in_bf16, computes_in_int8

ENGINES = {"openvino": ".openvino:OpenvinoEngine", "onnxruntime": ".onnx:OnnxEngine",
           "paddle-inference": ".paddle_inference:InferenceEngine", "paddle": ".eager:DygraphEngine"}
FASTEST = {"cpu": ("openvino", "onnxruntime", "paddle"), "gpu": ("paddle",)}  # fastest first


def open_engine(name: str, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], sha256: str, device: str,
                precision: str = "fp32", threads: int | None = None, tf32: bool = False) -> Engine:
    """The engine called ``name``, or for "auto" the fastest that is installed and sound on ``device``.

    Args:
        described, arrays: as for ``engines.graphs.network_of``; sha256: of the weights file.
        device: "cpu" or "gpu:N". precision: "fp32", "fp16", "bf16", "int8", or "auto": in OpenVINO bf16 where this CPU is
            faster in it, else int8 where it multiplies such integers, if the self-check passes; else fp32.
        threads: on a CPU; None: the engine's own choice.
        tf32: whether a GPU rounds the factors of float32 products, which ``utils.machine.set_tf32`` sets.

    Raises UserError: no such engine, or the one that is named cannot be used here; ValueError: the arrays do not fit. Warns
    (RuntimeWarning) where "auto" passes over an engine that is installed and does not work.
    """
    if name not in ("auto", *ENGINES):
        raise UserError(f"unknown backend '{name}'.{suggest(name, ('auto', *ENGINES))}")
    reasons, passed_over = [], {}
    for candidate, chosen in _candidates(name, device, precision):
        try:
            engine = _class_of(candidate)(described, arrays, device, chosen, sha256, threads, tf32)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # whatever a foreign runtime raises, it must not stop the others from being tried
            if candidate == "paddle" and isinstance(error, ValueError):
                raise  # of the weights
            said = str(error) if isinstance(error, EngineError) else reason(error)
            reasons.append(f"{candidate}: {said}")
            if "auto" in (name, precision) and not isinstance(error, EngineAbsent):
                passed_over.setdefault(said, []).append(candidate if chosen == "fp32" else f"{candidate} in {chosen}")
            continue
        for said, names in passed_over.items():
            verb = "is" if len(names) == 1 else "are"
            warnings.warn(f"backend {', '.join(names)} {verb} passed over: {said}.", RuntimeWarning, stacklevel=3)
        return engine
    where = f"backend '{name}' cannot be used"
    if name == "auto":
        where = f"no backend works on {device}" if precision == "auto" else f"no backend computes in {precision} on {device}"
    raise UserError(f"{where}: {'; '.join(reasons)}.")


def _candidates(name, device, precision):
    """[(engine, precision)] in the order they are tried."""
    names = FASTEST[device.split(":")[0]] if name == "auto" else (name,)
    if precision != "auto":
        return [(candidate, precision) for candidate in names]
    faster = "bf16" if computes_in_bf16() else "int8" if computes_in_int8() else None
    first = [("openvino", faster)] if faster and device == "cpu" and "openvino" in names else []
    return first + [(candidate, "fp32") for candidate in names]


def _class_of(name):
    module, attribute = ENGINES[name].split(":")
    return getattr(importlib.import_module(module, __package__), attribute)
