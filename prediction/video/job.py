"""What is to be done with a film, and what came of it."""
from typing import Any, Callable, NamedTuple, Optional


class VideoJob(NamedTuple):
    """What to do with one video.

    src: path or address. outputs: {"pha", "com", "fgr", "err", "ref": path}; the suffix chooses the format, none is a folder
    of pictures. bgr, fit: see ``prediction.video.scene.open_scene``. backdrop: ``prediction.backdrop.Backdrop``, or anything
    whose frame(index, src, bgr) gives what com is put before, uint8 RGB of src's size (src, and maybe the answer, is uint16
    for deep films); None for cut-outs with alpha.
    fit_background: (src, bgr) -> (bgr, list of warnings). smooth: (src, pha) -> pha, float32 (H, W), called for every frame
    in turn. delay: None, or a ``prediction.video.delay.OneFrameDelay`` in its place. bgr: None where none is needed.
    """
    src: Any
    outputs: dict
    bgr: Any = None
    fit: Optional[str] = None
    backdrop: Any = None
    fit_background: Optional[Callable] = None
    smooth: Optional[Callable] = None
    delay: Any = None


class Report(NamedTuple):
    """What came of it: frames written, damaged ones left out, seconds, frames per second, {type: Path} written."""
    frames: int
    damaged: int
    seconds: float
    fps: float
    files: dict
    stopped: bool
    warnings: list
