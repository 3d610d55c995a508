"""A background of another size than its photo or film: stretched, cut, or refused."""
import cv2

from media.operations import cover
from utils.errors import UserError

FITS = ("resize", "crop")


def fit_size(bgr, size, fit, src_name="src", bgr_name="bgr"):
    """bgr uint8 (h, w, 3) brought to ``size`` (height, width).

    Args:
        fit: "resize" stretches it; "crop" scales it to cover the size and cuts its centre out; None only checks.
    Raises:
        UserError: the sizes differ and fit is None.
    """
    if bgr.shape[:2] == tuple(size):
        return bgr
    height, width = size
    if fit is None:
        raise UserError(f"{src_name} is {width}x{height} but its background {bgr_name} is {bgr.shape[1]}x{bgr.shape[0]}; "
                        f"both should be shots of one camera position and of one size. --fit resize stretches the "
                        f"background, --fit crop scales it and cuts it.")
    if fit == "crop":
        return cover(bgr, size)
    shrinks = height <= bgr.shape[0] and width <= bgr.shape[1]
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def fitted(image, size, fit, name):
    """``image`` uint8 (H, W, 3) at ``size`` (width, height). Raises UserError as ``check_fit``."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    check_fit((width, height), size, fit, name)
    if fit == "crop":
        scale = max(size[0] / width, size[1] / height)
        keep_width, keep_height = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
        left, top = (width - keep_width) // 2, (height - keep_height) // 2
        image = image[top:top + keep_height, left:left + keep_width]
    shrinks = image.shape[0] > size[1] and image.shape[1] > size[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def check_fit(found, size, fit, name):
    """Raises UserError where a background of another size is not to be fitted. Sizes are (width, height)."""
    if fit is None and found != size:
        raise UserError(f"the background {name} is {found[0]}x{found[1]}, but the video is {size[0]}x{size[1]}; both must "
                        f"be of one camera position and of one size. Resize one, or use --fit resize or --fit crop.")
