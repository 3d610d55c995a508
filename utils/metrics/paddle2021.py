"""The errors of an earlier reproduction of BackgroundMattingV2 in Paddle (2021), to stand beside its figures.

It reports both errors doubled (a factor "scale" of 2 at batch size 1) and divides the squared error by one pixel more
than it summed. Its trimap is ``utils.trimap.soft_trimap``. Half of these values is what the plain metric gives there.
"""
from utils.metrics.difference import mse, sad
from utils.metrics.region import UNKNOWN

SCALE = 2


def sad_paddle2021(pred_u8, target_u8, trimap_u8):
    """Twice ``utils.metrics.sad``. Arguments, return value and errors as there."""
    return SCALE * sad(pred_u8, target_u8, trimap_u8)


def mse_paddle2021(pred_u8, target_u8, trimap_u8):
    """Twice the sum of squared differences over the number of unknown pixels + 1; plain, tables show it times 1000.

    Arguments, return value and errors as ``utils.metrics.mse``.
    """
    pixels = pred_u8.size if trimap_u8 is None else int((trimap_u8 == UNKNOWN).sum())
    return SCALE * mse(pred_u8, target_u8, trimap_u8) * pixels / (pixels + 1)
