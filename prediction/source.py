"""What --src and --bgr name: photos, a folder, a video, a camera, or the sample pair."""
import os
from pathlib import Path

from bgmatting.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_animation
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.reader import open_video
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT


def inputs(src, bgr, needed=False):
    """(src, bgr) of a command line as text: as they are named, or the sample pair where neither is.

    Args:
        needed: whether a photo or video does not do without bgr.

    Raises:
        UserError: one of them is missing.
    """
    if src is None and bgr is None:
        return tuple(str(PROJECT / "image" / "sample" / name) for name in ("src.jpg", "bgr.jpg"))
    if src is None:
        raise UserError(f"--bgr {bgr} needs its --src: the photo with the subject.")
    if needed and bgr is None and not is_camera(src):
        if is_video_source(src):
            raise UserError(f"--src {src} needs its --bgr: a photo or video of the same scene without the subject, first:N "
                            f"where its first N pictures show that, or median where the subject moves about.")
        raise UserError(f"--src {src} needs its --bgr: a photo of the same scene without the subject.")
    return src, bgr


def is_camera(text):
    """Whether --src is a camera, or what stands in for one."""
    return text is not None and text.startswith("camera:")


def is_video_source(text):
    """Whether --src is a video, an animation or a stream, rather than photos."""
    if is_url(text):
        return True
    if is_animation(text):
        return True
    if os.path.isdir(text) or text.lower().endswith(IMAGE_SUFFIXES):
        return False
    return is_video(text)


def is_video(text):
    """True for a video by its suffix, a GIF of more than one frame, or an address (http, https, rtsp, rtmp, udp)."""
    if is_url(text):
        return True
    suffix = Path(text).suffix.lower()
    return suffix in VIDEO_SUFFIXES or suffix == ".gif" and several_frames(text)


def several_frames(path):
    """True for a file of more than one frame, such as an animated GIF; true also where that cannot be found out yet."""
    try:
        with open_video(path, sound=False) as reader:
            return sum(1 for _ in zip(range(2), reader.timed())) > 1
    except UserError:
        return True  # open_video will say what is wrong
