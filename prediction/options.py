"""What a command line of predict.py asks for: made once, handed down, never written into."""
from typing import Any, NamedTuple, Optional


class Options(NamedTuple):
    """The flags of predict.py by their names, as ``prediction.flags.options_of`` checks them; docs are in --help.

    src and bgr name the inputs (bgr is None where there is none), type is None or output types in their order, without
    doubles; choice is a ``prediction.choice.Choice``, None standing for the method background with ``weights``.
    """
    src: str
    bgr: Optional[str]
    output: str
    type: Optional[tuple[str, ...]] = None
    target_bgr: Optional[str] = None
    format: Optional[str] = None
    bit_depth: Optional[int] = None
    overwrite: bool = False
    shard: Optional[str] = None
    sheet: Optional[str] = None
    sheet_rows: int = 8
    fit: Optional[str] = None
    align: str = "auto"
    exposure: str = "auto"
    temporal: Optional[str] = None
    fps: Optional[float] = None
    video_format: Optional[str] = None
    no_window: Optional[bool] = None
    virtual_camera: Optional[bool] = None
    countdown: Optional[float] = None
    weights: Optional[str] = None
    device: Optional[str] = None
    backend: str = "auto"
    precision: str = "auto"
    max_memory: Optional[float] = None
    backbone_scale: Optional[float] = None
    sample_pixels: Optional[int] = None
    refine_mode: Optional[str] = None
    unmix: bool = True
    fill: bool = True
    trimap: Optional[str] = None
    trimap_weights: Optional[str] = None
    config: Optional[str] = None
    choice: Any = None

    @property
    def needs(self):
        """What has to be given beside src: "bgr", "trimap" or None."""
        return "bgr" if self.choice is None else self.choice.needs

    @property
    def bits(self):
        """How finely mattes are needed, as ``model.Matter`` takes it: smoothing averages them, so 8 bits are too few."""
        return 16 if self.bit_depth == 16 or self.temporal else 8
