"""Colours that a file states in numbers instead of with a profile: a PNG's chunks, an AVIF's or HEIC's box.

Each is made into a profile. What PNG may say goes by rank: cICP, iCCP, sRGB, gAMA and cHRM (PNG, third edition, W3C 2025).
"""
from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from bgmatting.media.formats import chunks

# ITU-T H.273: x and y of red, green, blue and white; D65 for these.
D65 = (0.3127, 0.3290)
PRIMARIES = {1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65), 9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
             11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
             12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
             5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65), 6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65)}
UNSAID = 2
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # an ICC's parametric curve of type 3: gamma, a, b, c, d
CURVES = {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}
VIDEO = (1, 6, 14, 15)  # cameras' curves: images that state them are shown as sRGB, and meant so
HDR = (16, 18)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])


def profile_of_numbers(primaries: int, transfer: int, notes: list[str]) -> bytes | None:
    """An ICC profile for RGB as bytes of H.273's numbers; None where it would be sRGB's, and, with a note added to the list
    ``notes``, where it is not known or of high dynamic range."""
    if transfer in HDR:
        notes.append("it is of high dynamic range (PQ or HLG), and its colours are taken as they are stored.")
        return None
    primaries, transfer = 1 if primaries == UNSAID else primaries, 13 if transfer in (UNSAID, *VIDEO) else transfer
    if primaries not in PRIMARIES or transfer not in CURVES:
        notes.append(f"its colours are stated as H.273 {primaries}/{transfer}, which is not known here; they are taken as "
                     f"they are stored.")
        return None
    return None if (primaries, transfer) == (1, 13) else made_profile(PRIMARIES[primaries], CURVES[transfer])


def png_profile(data: bytes, notes: list[str]) -> bytes | bool | None:
    """The ICC profile (bytes) of a PNG's chunks cICP, sRGB, gAMA and cHRM. None where they are those of sRGB or missing;
    False where the chunk iCCP is the one to use."""
    found = {}
    for name, begin, end in chunks(data):
        if name == b"IDAT":
            break
        found.setdefault(name, data[begin:end])
    if len(found.get(b"cICP", b"")) == 4:
        return profile_of_numbers(*found[b"cICP"][:2], notes)
    if b"iCCP" in found:
        return False
    if b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None
    gamma = struct.unpack(">I", found[b"gAMA"])[0] / 100000
    if not 0.05 <= gamma <= 5:
        notes.append("the gamma that it states is none; it is left out.")
        return None
    points = PRIMARIES[1]
    if len(found.get(b"cHRM", b"")) == 32:
        white, *others = np.array(struct.unpack(">8I", found[b"cHRM"])).reshape(4, 2) / 100000
        points = (*np.concatenate(others), *white)
    is_srgb = abs(gamma - 0.45455) < 0.002  # how programs wrote it before there was a chunk for it
    if is_srgb and np.allclose(points, PRIMARIES[1], atol=0.002):
        return None
    try:
        return made_profile(points, SRGB_CURVE if is_srgb else (1 / gamma,))
    except (np.linalg.LinAlgError, ZeroDivisionError):
        notes.append("the primaries that it states are none; they are left out.")
        return None


def made_profile(points: Sequence[float], curve: Sequence[float]) -> bytes:
    """An ICC profile for RGB (version 4, a matrix and a curve) as bytes. points: x, y of red, green, blue, white; curve:
    parameters of an ICC parametric curve, of type 0 (gamma) or 3. Raises LinAlgError or ZeroDivisionError: the points
    span no colours."""
    numbers = b"para\0\0\0\0" + struct.pack(">HH", 3 if len(curve) == 5 else 0, 0) + _fixed(curve)
    parts = {b"desc": _text("stated in numbers"), b"cprt": _text("none"), b"wtpt": b"XYZ \0\0\0\0" + _fixed(D50)}
    for colour, values in zip((b"r", b"g", b"b"), to_xyz(points, D50).T):
        parts[colour + b"XYZ"], parts[colour + b"TRC"] = b"XYZ \0\0\0\0" + _fixed(values), numbers
    table, body, begin = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for name, value in parts.items():
        table += name + struct.pack(">II", begin + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", begin + len(body), b"none", 0x04200000, b"mntr", b"RGB ", b"XYZ ", bytes(12),
                       b"acsp")
    return (head + bytes(28) + _fixed(D50)).ljust(128, b"\0") + table + body


def to_xyz(points: Sequence[float], white: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) from light of these primaries to XYZ, from their white to another by Bradford's matrix. Args as
    ``made_profile``; white: XYZ. Errors likewise."""
    *primaries, own = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in np.reshape(points, (4, 2)).tolist())
    primaries = np.stack(primaries, axis=1)
    adapted = np.linalg.inv(BRADFORD) @ np.diag(BRADFORD @ white / (BRADFORD @ own)) @ BRADFORD
    return adapted @ (primaries * np.linalg.solve(primaries, own))


def _fixed(values):
    """Numbers as 16.16 bits."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _text(text):
    """Multi-localized text of ICC version 4."""
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
