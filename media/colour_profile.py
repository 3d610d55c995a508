"""Colour profiles (ICC) of images, applied by what they do and not by their names, and bringing colours to sRGB.

littleCMS does it, as Pillow hands it 8 bits and no more. Pixels of 16 bits go through a profile's matrix and curves here,
as ICC.1 (2022), annex F, has it; where a profile is a table instead, they are rounded first.
"""
from __future__ import annotations

import functools
import io
import struct

import numpy as np
from PIL import Image, ImageCms

from bgmatting.media.pixels import to_8_bits

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # a profile's colour space: ours, and Pillow's mode
WORDS = {"RGB": "RGB", "L": "gray", "CMYK": "CMYK", "LAB": "Lab"}
SAME = 2              # of 255: a profile that changes no colour by more is sRGB's, written by another hand
STEPS = 9             # values of each channel that are looked at for it
ROWS = 1 << 20        # pixels converted at once
BLACK = 1 / 4096      # of light: less is none
FINE = 1 << 18        # steps of light: the darkest are 3 of 65535 apart in sRGB


class Profile:
    """A colour profile, of bytes ``icc``, that fits pixels of ``space``: ``apply(pixels)``. Raises ValueError: it cannot
    be used with them; the text says why, to follow "its colour profile "."""

    def __init__(self, icc: bytes, space: str):
        self._space = space
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            found = SPACES.get(profile.profile.xcolor_space.strip())
        except Exception:  # littleCMS and Pillow raise what they like for damaged ones
            raise ValueError("cannot be read") from None
        if found != space:
            raise ValueError(f"is for {WORDS.get(found, 'other')} pixels, and its pixels are {WORDS[space]}")
        self._shaper = Shaper.of(icc, space)
        try:
            self._transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB")
        except Exception:
            raise ValueError("cannot be converted to sRGB") from None

    def apply(self, pixels: np.ndarray, bits: int = 8) -> np.ndarray:
        """uint8 or uint16 (H, W[, C]) of its space as sRGB (H, W, 3): uint16 where bits is 16 and pixels have them."""
        deep = bits == 16 and pixels.dtype == np.uint16
        made = np.empty((*pixels.shape[:2], 3), np.uint16 if deep else np.uint8)
        step = max(1, ROWS // pixels.shape[1])
        for top in range(0, len(pixels), step):
            part = self._applied(np.ascontiguousarray(pixels[top:top + step]))
            made[top:top + step] = as_deep(part) if deep else to_8_bits(part)
        return made

    def _applied(self, pixels):
        if pixels.dtype == np.uint16 and self._shaper is not None:
            return self._shaper.apply(pixels)
        part = as_image(to_8_bits(pixels), self._space)
        return np.asarray(ImageCms.applyTransform(part, self._transform))

    @property
    def is_table(self) -> bool:
        """Whether it is a table, through which pixels of 16 bits go with 8."""
        return self._shaper is None

    def changes(self) -> bool:
        """False where it is that of sRGB itself, so that there is nothing to convert."""
        if self._space not in ("RGB", "L"):
            return True
        values = np.linspace(0, 255, STEPS).round().astype(np.uint8)
        if self._space == "L":
            probe = values[None]
            wanted = np.repeat(probe[..., None], 3, 2)
        else:
            wanted = probe = np.stack(np.meshgrid(values, values, values), -1).reshape(STEPS, -1, 3)
        return bool(np.abs(self.apply(probe).astype(int) - wanted).max() > SAME)


class Shaper:
    """A profile that is curves and a matrix, or a curve alone for gray, for pixels of 16 bits. curves: one for each
    channel, float32 (65536,), light by value; matrix: (3, 3) from the channels' light to XYZ, None for gray."""

    def __init__(self, curves: list[np.ndarray], matrix: np.ndarray | None):
        self._curves = curves
        self._matrix = None if matrix is None else np.linalg.solve(_srgb_matrix(), matrix).astype(np.float32)

    @classmethod
    def of(cls, icc: bytes, space: str) -> Shaper | None:
        """That of a profile; None where it is a table, which counts before curves, has a black that is not 0, for which
        littleCMS shifts all that is dark, or is for other spaces."""
        try:
            tags = _tags(icc)
            if space not in ("RGB", "L") or icc[20:24] != b"XYZ " or any(name[:3] in (b"A2B", b"D2B") for name in tags):
                return None
            curves = [_curve(tags[name + b"TRC"]) for name in ((b"k",) if space == "L" else (b"r", b"g", b"b"))]
            if max(curve[0] for curve in curves) > BLACK:
                return None
            if space == "L":
                return cls(curves, None)
            columns = [struct.unpack(">3i", tags[name + b"XYZ"][8:20]) for name in (b"r", b"g", b"b")]
            return cls(curves, np.array(columns).T / 65536)
        except (KeyError, ValueError, struct.error, IndexError, ArithmeticError, np.linalg.LinAlgError):
            return None  # littleCMS knows better

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """uint16 (H, W[, 3]) as uint16 sRGB (H, W, 3)."""
        if self._matrix is None:
            return np.repeat(_as_srgb(self._curves[0][pixels])[..., None], 3, axis=2)
        light = np.stack([curve[pixels[..., channel]] for channel, curve in enumerate(self._curves)], -1)
        return _as_srgb(light @ self._matrix.T)


def _tags(icc):
    """{name: memoryview} of a profile."""
    icc = memoryview(icc)  # tags may lie on one another
    entries = [struct.unpack(">4sII", icc[at:at + 12]) for at in range(132, 132 + 12 * min(icc[131], 100), 12)]
    return {name: icc[begin:begin + size] for name, begin, size in entries}


def _curve(tag):
    """Light (65536,) of the values 0..65535 by a tag of type "curv" or "para". Raises ValueError for other types."""
    x = np.linspace(0, 1, 65536)
    if tag[:4] == b"curv":
        count = struct.unpack(">I", tag[8:12])[0]
        if count == 0:
            return x.astype(np.float32)
        if count == 1:
            return (x ** (struct.unpack(">H", tag[12:14])[0] / 256)).astype(np.float32)
        if len(tag) < 12 + 2 * count:
            raise ValueError("cut short")
        points = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(x, np.linspace(0, 1, count), points).astype(np.float32)
    kind = struct.unpack(">H", tag[8:10])[0] if tag[:4] == b"para" else 5
    if kind > 4:
        raise ValueError("no curve that is known")
    count = (1, 3, 4, 5, 7)[kind]
    given = [number / 65536 for number in struct.unpack(f">{count}i", tag[12:12 + 4 * count])]
    if kind == 2:
        given = [*given[:3], 0, 0, given[3], given[3]]
    g, a, b, c, d, e, f = given + [1, 1, 0, 0, 0, 0, 0][len(given):]
    start = d if kind in (3, 4) else -b / a if kind in (1, 2) else 0
    above = np.maximum(a * x + b, 0) ** g + (e if kind in (2, 4) else 0)
    return np.clip(np.where(x >= start, above, c * x + f), 0, 1).astype(np.float32)


@functools.cache
def _srgb_matrix():
    """(3, 3) from light of sRGB to XYZ under the white of profiles, as littleCMS has it."""
    tags = _tags(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return np.array([struct.unpack(">3i", tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T / 65536


@functools.cache
def _srgb_table():
    """uint16: sRGB of light in steps of 1 / FINE."""
    light = np.linspace(0, 1, FINE + 1)
    return np.rint(65535 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(np.uint16)


def _as_srgb(light):
    """float32 light as uint16 sRGB."""
    return _srgb_table()[np.rint(np.clip(light, 0, 1) * FINE).astype(np.int32)]


def as_deep(pixels: np.ndarray) -> np.ndarray:
    """uint8 as uint16 of full range; uint16 as it is."""
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * np.uint16(257)


def usable_profile(icc: bytes | None, space: str, notes: list[str], deep: bool = False) -> Profile | None:
    """The ``Profile`` in the bytes ``icc`` for pixels of ``space``. None for none, for sRGB's own, and, with a note added to
    the list ``notes``, for one that does not fit. deep: 16 bits are wanted of it; a note says where it has 8."""
    if not icc:
        return None
    try:
        profile = Profile(icc, space)
    except ValueError as error:
        notes.append(f"its colour profile {error}; it is left out.")
        return None
    if not profile.changes():
        return None
    if deep and profile.is_table:
        notes.append("its colour profile is a table, through which its 16 bits go with 8.")
    return profile


def to_rgb(pixels: np.ndarray, space: str, profile: Profile | None = None, bits: int = 8) -> np.ndarray:
    """uint8 or uint16 (H, W[, C]) of ``space`` as RGB (H, W, 3), through a ``Profile`` where there is one: uint16 where bits
    is 16 and pixels have them, else uint8."""
    if profile is not None:
        return profile.apply(pixels, bits)
    if bits == 8 or space not in ("RGB", "L"):
        pixels = to_8_bits(pixels)
    if space == "RGB":
        return pixels
    if space == "L":
        return np.repeat(pixels[..., None], 3, axis=2)
    if space == "LAB":
        return Profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), "LAB").apply(pixels)
    made = np.empty((*pixels.shape[:2], 3), np.uint8)
    step = max(1, ROWS // pixels.shape[1])
    for top in range(0, len(pixels), step):
        made[top:top + step] = np.asarray(as_image(pixels[top:top + step], space).convert("RGB"))
    return made


def as_image(pixels: np.ndarray, mode: str) -> Image.Image:
    """uint8 (H, W[, C]) as Pillow image of a mode, also LAB and CMYK."""
    pixels = np.ascontiguousarray(pixels)
    return Image.frombytes(mode, pixels.shape[1::-1], pixels)
