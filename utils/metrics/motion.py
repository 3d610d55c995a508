"""How the subject moves from one frame to the next, as far as its true alpha tells."""
import cv2
import numpy as np

# Farneback's method with the settings that published video matting evaluations of MESSDdt use (Sun et al.,
# "Deep Video Matting via Spatio-Temporal Alignment and Aggregation", CVPR 2021).
SETTINGS = {"pyr_scale": 0.5, "levels": 5, "winsize": 10, "iterations": 2, "poly_n": 7, "poly_sigma": 1.5,
            "flags": cv2.OPTFLOW_FARNEBACK_GAUSSIAN}


def followed(target_before_u8, target_u8):
    """Where each pixel of the frame before has gone: by Farneback, "Two-Frame Motion Estimation Based on Polynomial
    Expansion" (SCIA 2003), on the true alpha, rounded to whole pixels and held inside the frame.

    Args:
        target_before_u8, target_u8: true alpha of two frames, uint8 (H, W).

    Returns:
        (rows, columns), int (H, W) each: pixel (y, x) of the frame before is (rows[y, x], columns[y, x]) of this one.
    """
    flow = cv2.calcOpticalFlowFarneback(target_before_u8, target_u8, None, **SETTINGS)
    flow = np.nan_to_num(np.rint(flow)).astype(np.int64)
    height, width = target_u8.shape
    rows = np.clip(np.arange(height)[:, None] + flow[..., 1], 0, height - 1)
    columns = np.clip(np.arange(width) + flow[..., 0], 0, width - 1)
    return rows, columns
