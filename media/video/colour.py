"""Colour range, matrix, primaries and transfer of a video stream, in the code points of ITU-T H.273.

Formats of pixels are converted by FFmpeg's swscale; this module says from what to what. Between a source and an output lie
8 bits, or 16 for sources that are deeper.
"""
from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from bgmatting.media.video.libav import FINE, FROM_420, TO_420, reformat

if TYPE_CHECKING:
    import av

LIMITED, FULL = 1, 2
BT709, BT601, UNKNOWN = 1, 6, 2
SWS_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # H.273 -> swscale's names: 709, FCC, 601 twice, 240M, 2020
IDENTITY, YCGCO, DERIVED = 0, 8, 12
OF_PRIMARIES = {1: 1, 9: 9}  # matrix that follows from primaries, where it is one with a name
# stated by some, and converted neither here nor by swscale
FOREIGN = {3: "a reserved number", 10: "BT.2020 of constant luminance", 11: "Y'D'zD'x",
           12: "derived from the primaries", 13: "of constant luminance, derived from the primaries", 14: "ICtCp",
           15: "IPT-C2", 16: "YCgCo-Re", 17: "YCgCo-Ro"}
SAME_MATRIX, SAME_TRANSFER = {5: 6}, {6: 1, 14: 1, 15: 1}


class Colour(NamedTuple):
    """How the numbers of a stream become colours; code points of H.273, 2 where it is not said."""
    range: int = LIMITED
    matrix: int = BT709
    primaries: int = UNKNOWN
    transfer: int = UNKNOWN


def colour_of(frame: av.VideoFrame, context: av.VideoCodecContext) -> Colour:
    """The Colour of a decoded ``av.VideoFrame``, by what it, then its codec context, say; else by what players assume.

    Without a word about the matrix, players take BT.709 for more than 576 lines or 1280 columns, else BT.601. One that is
    stated is given as it is, also where ``to_rgb`` does not know it. Images of RGB have neither range nor matrix; the
    answer is what a video made of them should have.
    """
    name, guess = frame.format.name, usual_matrix(frame)
    primaries = _known(getattr(frame, "color_primaries", UNKNOWN), getattr(context, "color_primaries", UNKNOWN))
    transfer = _known(getattr(frame, "color_trc", UNKNOWN), getattr(context, "color_trc", UNKNOWN))
    if is_rgb(frame.format):
        return Colour(LIMITED, guess, primaries, transfer)
    matrix = _known(frame.colorspace, context.colorspace)
    if matrix == UNKNOWN or len(frame.format.components) < 3:
        whole = IDENTITY in (int(frame.colorspace), int(context.colorspace)) and name.startswith("yuv444p")
        matrix = IDENTITY if whole else guess
    elif matrix == DERIVED:
        matrix = OF_PRIMARIES.get(primaries, DERIVED)
    said = int(frame.color_range) or int(context.color_range)
    full = name.startswith(("yuvj", "gray")) and said != LIMITED or said == FULL
    return Colour(FULL if full else LIMITED, matrix, primaries, transfer)


def usual_matrix(frame: av.VideoFrame) -> int:
    """The matrix of a frame that does not name one."""
    return BT709 if frame.width >= 1280 or frame.height > 576 else BT601


def foreign_matrix(colour: Colour) -> str | None:
    """The name of a matrix that ``to_rgb`` cannot convert by, or None."""
    known = colour.matrix in SWS_MATRIX or colour.matrix in (IDENTITY, YCGCO)
    return None if known else FOREIGN.get(colour.matrix, f"number {colour.matrix} of H.273")


def is_rgb(pixels: av.VideoFormat) -> bool:
    """True for formats of pixels that hold red, green and blue, or a palette of them."""
    return pixels.is_rgb or pixels.has_palette


def depth_of(frame: av.VideoFrame) -> int:
    """Bits of a colour of a decoded frame: 8 or fewer, 10, 12, 16."""
    return max(component.bits for component in frame.format.components)


def to_rgb(frame: av.VideoFrame, colour: Colour, width: int | None = None, height: int | None = None) -> np.ndarray:
    """RGB (H, W, 3) of a decoded frame, uint16 for one of more than 8 bits, else uint8; scaled where a size is given.
    Raises ValueError: a matrix that ``foreign_matrix`` names."""
    size = {} if width is None else {"width": width, "height": height}
    if foreign_matrix(colour) is not None:
        raise ValueError(f"colours cannot be converted from {foreign_matrix(colour)}")
    if colour.matrix in (IDENTITY, YCGCO):
        return _by_sums(frame, colour, size)
    if not is_rgb(frame.format):
        matrix = SWS_MATRIX[colour.matrix]
        size.update(src_colorspace=matrix, dst_colorspace=_other(matrix), src_color_range=colour.range,
                    dst_color_range=FULL)
    deep = depth_of(frame) > 8
    flags = FINE if deep or width is not None else FROM_420
    return reformat(frame, flags, format="rgb48le" if deep else "rgb24", **size).to_ndarray()


def _by_sums(frame, colour, size):
    """As ``to_rgb``, where the planes are green, blue and red themselves, or luma, Cg and Co (H.273, equations 60 to 63)."""
    deep = depth_of(frame) > 8
    planes = reformat(frame, format="yuv444p16le" if deep else "yuv444p", **size).to_ndarray().astype(np.float32)
    planes = np.moveaxis(planes, -1, 0) if deep else planes  # so does PyAV
    unit, most = (256, 65535) if deep else (1, 255)
    limited = colour.range == LIMITED
    luma = (planes - 16 * unit) / (219 * unit) if limited else planes / most
    if colour.matrix == IDENTITY:
        rgb = luma[2], luma[0], luma[1]
    else:
        green, orange = (planes[1:] - 128 * unit) / (224 * unit if limited else most)
        rgb = luma[0] - green + orange, luma[0] + green, luma[0] - green - orange
    rgb = np.clip(np.stack(rgb, axis=-1), 0, 1) * most
    return np.rint(rgb).astype(np.uint16 if deep else np.uint8)


def from_array(av: ModuleType, image: np.ndarray, pixels: str, colour: Colour) -> av.VideoFrame:
    """An ``av.VideoFrame`` of the format ``pixels`` from uint8 or uint16 gray (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
    if image.ndim == 2 and image.dtype == np.uint8 and pixels == "yuv420p" and not any(side % 2 for side in image.shape):
        return av.VideoFrame.from_ndarray(_planes_of_gray(image, colour.range), pixels)
    if image.dtype == np.uint16:
        image = image if image.ndim == 3 else cv2.merge((image,) * 3)  # swscale makes white 0.3 % too bright of gray16
        kind = "rgb48le" if image.shape[2] == 3 else "rgba64le"
    else:
        kind = "gray" if image.ndim == 2 else "rgb24" if image.shape[2] == 3 else "rgba"
    frame = av.VideoFrame.from_ndarray(image, kind)
    matrix = SWS_MATRIX[colour.matrix]
    return reformat(frame, TO_420 if pixels == "yuv420p" else FINE, format=pixels, src_colorspace=_other(matrix),
                    dst_colorspace=matrix, src_color_range=FULL, dst_color_range=colour.range)


def _planes_of_gray(image, range):
    """Gray (H, W) as the planes of yuv420p, (H * 3 / 2, W); swscale takes 10 ms for a frame of 1920x1080, this takes 1."""
    planes = np.full((image.shape[0] * 3 // 2, image.shape[1]), 128, np.uint8)
    luma = np.arange(256) * (1 if range == FULL else 219 / 255) + (0 if range == FULL else 16)
    cv2.LUT(image, np.rint(luma).astype(np.uint8), dst=planes[:image.shape[0]])
    return planes


def tag(context: av.VideoCodecContext, colour: Colour) -> None:
    """Write ``colour`` into the header of a stream that is to be encoded."""
    context.color_range, context.colorspace = colour.range, colour.matrix
    context.color_primaries, context.color_trc = colour.primaries, colour.transfer


def prores_header(colour: Colour) -> str:
    """The filter of packets that writes ``colour`` into the headers of ProRes's frames; the container has it, too."""
    return f"prores_metadata=color_primaries={colour.primaries}:color_trc={colour.transfer}:colorspace={colour.matrix}"


def complete(colour: Colour) -> Colour:
    """``colour`` in the words of ProRes, with the primaries and transfer that usually go with its matrix where they lack.

    Some players and writers of MOV pass over a matrix that comes without them. A header of ProRes has one code point for
    each curve and matrix, and H.273 several: BT.601 and BT.2020 bend as BT.709 does.
    """
    colour = colour._replace(matrix=SAME_MATRIX.get(colour.matrix, colour.matrix),
                             transfer=SAME_TRANSFER.get(colour.transfer, colour.transfer))
    usual = {BT709: (1, 1), 9: (9, 1)}.get(colour.matrix, (6, 1))
    primaries, transfer = (said if said != UNKNOWN else guess
                           for said, guess in zip((colour.primaries, colour.transfer), usual))
    return colour._replace(primaries=primaries, transfer=transfer)


def _other(matrix):
    """A name for the side that is RGB and has no matrix; older PyAV convert by BT.601 where both sides are named alike."""
    return SWS_MATRIX[BT709 if matrix != SWS_MATRIX[BT709] else BT601]


def _known(*values):
    return next((int(value) for value in values if int(value) not in (0, UNKNOWN)), UNKNOWN)
