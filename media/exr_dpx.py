"""Plates of compositors: OpenEXR in and out, DPX in, by OpenImageIO, which is installed besides.

Colours are carried as float32 of the curve of sRGB over the primaries of BT.709, beyond 0..1 too, so that one number serves
the network (rounded and cut to 0..1) and comes back as the linear light that the file held.
"""
from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.media.bounds import out_of_memory
from bgmatting.media.stated_colours import D50, PRIMARIES, to_xyz
from bgmatting.media.video.disk import disk_full
from bgmatting.media.video.opening import check_size
from bgmatting.utils.errors import UserError, quote
from bgmatting.utils.files import why_missing

SUFFIXES = (".exr", ".dpx")
HALF_MOST = 65504.0     # the largest number of half precision
KNEE, SLOPE = 0.0031308, 12.92  # where the curve of sRGB begins, and its rise below
LOG_WHITE, LOG_BLACK, LOG_RISE = 685 / 1023, 95 / 1023, 1023 * 0.002 / 0.6  # Cineon's codes of white and black, per density
BT709 = PRIMARIES[1]    # x and y of red, green, blue and white
EXACT = 2e-3            # chromaticities that differ by less are the same


class Facts(NamedTuple):
    """What the files of a sequence have in common. width, height: of the display window; aspect: of a pixel, width to
    height; rate: frames a second, None where it is not said; depth: bits of a channel; chromaticities: eight numbers as
    ``BT709``, where the file states others."""
    width: int
    height: int
    aspect: Fraction = Fraction(1)
    rate: Fraction | None = None
    depth: int = 16
    chromaticities: tuple | None = None


def is_plate(path: str | os.PathLike) -> bool:
    """Whether a file is one of these by its suffix."""
    return os.fspath(path).lower().endswith(SUFFIXES)


def import_oiio() -> ModuleType:
    """The module OpenImageIO. Raises UserError where it is not installed."""
    try:
        import OpenImageIO
    except ImportError:
        raise UserError("OpenEXR and DPX need the package OpenImageIO: pip install OpenImageIO.") from None
    return OpenImageIO


def read_plate(path: str | os.PathLike, premultiplied: bool = False) -> tuple[np.ndarray, Facts]:
    """(float32 (H, W, 3), its ``Facts``), H and W of the display window; black where the data window leaves it empty.

    Args:
        premultiplied: colours beside an alpha channel were multiplied by it, and are divided again; alpha is left out.

    Raises:
        UserError: OpenImageIO or the file is missing; it is damaged, too large, has several parts, deep samples, integers,
            or neither the channels R, G and B nor Y.
    """
    oiio = import_oiio()
    if not os.path.isfile(path):
        raise UserError(f"no such image: {path}. {why_missing(path)}")
    source = oiio.ImageInput.open(os.fspath(path))
    if source is None:
        raise UserError(f"cannot read {path}: {_first_line(oiio.geterror())}.")
    try:
        spec = source.spec()
        is_exr = source.format_name() == "openexr"
        channels = _channels(path, source, spec, is_exr)
        facts = _facts(path, spec)
        count = max(channels) + 1  # R, G, B and A come first
        pixels = source.read_image(0, 0, 0, count, oiio.FLOAT)
        if pixels is None:
            raise UserError(f"cannot read {path}: {_first_line(source.geterror())}. Cut short or damaged: copy or render it "
                            f"again.")
    except MemoryError:
        raise out_of_memory(path) from None
    finally:
        source.close()
    pixels = np.nan_to_num(pixels.reshape(spec.height, spec.width, count)[..., channels], nan=0.0,
                           posinf=HALF_MOST, neginf=-HALF_MOST)
    colours = pixels[..., :3] if len(channels) > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    if premultiplied and len(channels) in (2, 4):
        alpha = pixels[..., -1:]
        colours = np.divide(colours, alpha, out=colours.copy(), where=alpha > 0)
    return _coded(path, spec, is_exr, _displayed(colours, spec), facts), facts


def _channels(path, source, spec, is_exr):
    """Which channels are colours, and alpha last. Raises UserError where that is not plain."""
    if spec.deep:
        raise UserError(f"{path} holds deep samples, several for a pixel. Flatten it first.")
    parts = spec.get_int_attribute("oiio:subimages", 1)
    if parts > 1:
        raise UserError(f"{path} has {parts} parts, and which is the plate is not said. Write the one to matte into a file "
                        f"of its own.")
    names = list(spec.channelnames)
    if is_exr and str(spec.format) not in ("half", "float"):
        raise UserError(f"{path} holds integers, not light. Write it as half or float.")
    for wanted in (("R", "G", "B"), ("Y",)):
        if set(wanted) <= set(names) and not (wanted == ("Y",) and {"RY", "BY"} & set(names)):
            return [names.index(name) for name in (*wanted, "A") if name in names]
    raise UserError(f"{path} has the channels {quote(names)}; a plate has R, G and B, or Y. Write these from your "
                    f"compositor.")


def _facts(path, spec):
    width, height = spec.full_width or spec.width, spec.full_height or spec.height
    for size in ((width, height), (spec.width, spec.height)):
        check_size(path, *size)
    aspect = Fraction(float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0).limit_denominator(1000)
    rate = spec.getattribute("FramesPerSecond") or spec.getattribute("dpx:FrameRate")
    try:
        rate = frame_rate(Fraction(*rate) if isinstance(rate, tuple) else rate) if rate else None
    except (ValueError, ZeroDivisionError, TypeError):
        rate = None
    stated = spec.getattribute("chromaticities")
    if stated is not None and np.allclose(stated, BT709, atol=EXACT):
        stated = None
    return Facts(width, height, aspect if 0 < aspect < 100 else Fraction(1), rate,
                 spec.get_int_attribute("oiio:BitsPerSample", 16), stated and tuple(stated))


def _displayed(colours, spec):
    """Pixels of the data window within the display window, black around them."""
    width, height = spec.full_width or spec.width, spec.full_height or spec.height
    if (spec.x, spec.y, spec.width, spec.height) == (spec.full_x, spec.full_y, width, height):
        return np.ascontiguousarray(colours)
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    shown = np.zeros((height, width, 3), np.float32)
    first, last = (max(top, 0), max(left, 0)), (min(top + spec.height, height), min(left + spec.width, width))
    if first[0] < last[0] and first[1] < last[1]:
        shown[first[0]:last[0], first[1]:last[1]] = colours[first[0] - top:last[0] - top, first[1] - left:last[1] - left]
    return shown


def _coded(path, spec, is_exr, colours, facts):
    """Colours as the file has them, on the curve of sRGB."""
    transfer = "linear" if is_exr else str(spec.getattribute("dpx:Transfer") or "").lower()
    if transfer in ("logarithmic", "printing density"):
        black = 10 ** ((LOG_BLACK - LOG_WHITE) * LOG_RISE)
        colours, transfer = (10 ** ((colours - LOG_WHITE) * LOG_RISE) - black) / (1 - black), "linear"
    if transfer != "linear":
        return colours
    if facts.chromaticities is not None:
        colours = cv2.transform(colours, to_bt709(path, facts.chromaticities))
    return on_curve(colours)


def on_curve(light: np.ndarray) -> np.ndarray:
    """Linear light, float32 of any range, on the curve of sRGB; what is negative stays so, mirrored."""
    size = np.abs(light)
    return np.copysign(np.where(size <= KNEE, size * SLOPE, 1.055 * np.maximum(size, KNEE) ** np.float32(1 / 2.4) - 0.055),
                       light).astype(np.float32)


def off_curve(coded: np.ndarray) -> np.ndarray:
    """What ``on_curve`` undoes."""
    size = np.abs(coded)
    return np.copysign(np.where(size <= KNEE * SLOPE, size / SLOPE, ((np.maximum(size, 0.04) + 0.055) / 1.055) **
                                np.float32(2.4)), coded).astype(np.float32)


def to_bt709(path: str | os.PathLike, chromaticities: tuple) -> np.ndarray:
    """The matrix (3, 3) that brings linear light of these primaries to BT.709. Raises UserError where they span nothing."""
    try:
        matrix = np.linalg.inv(to_xyz(BT709, D50)) @ to_xyz(chromaticities, D50)
        if np.linalg.cond(matrix) < 1e4:
            return matrix
    except (np.linalg.LinAlgError, ZeroDivisionError):
        pass
    raise UserError(f"{path} states primaries that no colours are made of ({quote(map(str, chromaticities))}). Remove its "
                    f"attribute chromaticities.")


def write_exr(path: str | os.PathLike, light: np.ndarray, facts: Facts) -> None:
    """Write half floats, compressed without loss: linear light (H, W, 3) RGB or (H, W, 4) RGBA of BT.709, which is
    brought to the chromaticities of ``facts``; a matte (H, W) as channel Y. Raises UserError: OpenImageIO is missing or
    fails; OSError: the disk is full."""
    oiio = import_oiio()
    if light.ndim == 3 and facts.chromaticities is not None:
        light = light.copy()
        light[..., :3] = cv2.transform(np.ascontiguousarray(light[..., :3]),
                                       np.linalg.inv(to_bt709(path, facts.chromaticities)))
    pixels = np.ascontiguousarray(np.clip(light, -HALF_MOST, HALF_MOST).astype(np.float16))
    height, width = pixels.shape[:2]
    spec = oiio.ImageSpec(width, height, 1 if pixels.ndim == 2 else pixels.shape[2], oiio.HALF)
    spec.channelnames = ("Y",) if pixels.ndim == 2 else ("R", "G", "B", "A")[:pixels.shape[2]]
    spec.attribute("compression", "zip")
    spec.attribute("PixelAspectRatio", float(facts.aspect))
    if facts.rate is not None:
        spec.attribute("FramesPerSecond", "rational", (facts.rate.numerator, facts.rate.denominator))
    if pixels.ndim == 3:
        spec.attribute("chromaticities", "float[8]", facts.chromaticities or BT709)
    target = oiio.ImageOutput.create(os.fspath(path))
    done = target is not None and target.open(os.fspath(path), spec)
    done = done and target.write_image(pixels.reshape(height, width, -1))
    done = target is not None and target.close() and done
    if not done:
        why = _first_line((target.geterror() if target is not None else "") or oiio.geterror())
        if shutil.disk_usage(Path(path).parent).free < pixels.nbytes:
            raise disk_full(path)
        raise UserError(f"cannot write {path}: {why}.")


def frame_rate(value: object) -> Fraction:
    """Frames a second of a number or text, such as 24, 23.976 or 24000/1001; what is near to N*1000/1001 is that. Raises
    ValueError: it is none, or not from 0.01 to 1000."""
    rate = Fraction(value if isinstance(value, (Fraction, int)) else str(value).strip())
    if not Fraction(1, 100) <= rate <= 1000:
        raise ValueError(f"no frame rate: {value}")
    film = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return film if rate.denominator != 1 and abs(rate - film) < Fraction(1, 200) else rate.limit_denominator(10000)


def _first_line(text):
    return " ".join(str(text).split())[:200].rstrip(".") or "OpenImageIO does not say why"
