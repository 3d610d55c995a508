"""The trimap that says where matting errors are counted."""
import cv2
import numpy as np

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
LOW, HIGH = 0.06, 0.96    # alpha below is background for sure, above is foreground for sure
ITERATIONS = 10


def make_trimap(pha_u8):
    """Trimap of a true alpha by the rule of Lin et al. (CVPR 2021, section 5).

    The paper thresholds alpha at 0.06 and 0.96 and applies ten dilations and ten erosions with a 3x3 disc. Read here
    as: what may be subject (alpha > 0.06) grows by ten steps, what is subject for sure (alpha > 0.96) shrinks by ten
    steps, and the band between the two is unknown. A 3x3 disc is a pixel with its four neighbours (a cross). What
    lies beyond the border of the picture changes nothing: a subject cut by the border does not shrink there.

    Args:
        pha_u8: uint8 (H, W), 255 is opaque.

    Returns:
        uint8 (H, W): 0 background, 128 unknown, 255 foreground.

    Raises:
        ValueError: not a uint8 array of two axes.
    """
    if pha_u8.dtype != np.uint8 or pha_u8.ndim != 2:
        raise ValueError(f"alpha must be uint8 (H, W), got {pha_u8.dtype} {pha_u8.shape}")
    disc = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    maybe = cv2.dilate((pha_u8 > LOW * 255).astype(np.uint8), disc, iterations=ITERATIONS)
    surely = cv2.erode((pha_u8 > HIGH * 255).astype(np.uint8), disc, iterations=ITERATIONS)
    trimap = np.full(pha_u8.shape, UNKNOWN, np.uint8)
    trimap[maybe == 0] = BACKGROUND
    trimap[surely == 1] = FOREGROUND
    return trimap
