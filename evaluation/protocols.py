"""Protocols: what a published figure was measured on and how, under one name. Every result names its protocol."""
from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from bgmatting.evaluation.testset.placement import PLACEMENTS
from bgmatting.evaluation.testset.trimap import TRIMAPS
from bgmatting.utils.errors import UserError, suggest

UNMIX = {"off": (False,), "on": (True,), "both": (False, True)}  # word -> what the last step is, row by row

USUAL_DIGITS = 3


class Column(NamedTuple):
    """How tables show a metric: its title, by what the plain value is multiplied, what the plain value is, and how many
    digits follow the point."""
    title: str
    times: float
    unit: str
    digits: int = USUAL_DIGITS

    def text(self, value: float | None, sign: bool = False) -> str:
        """A plain value as tables show it, '-' for None and NaN; with ``sign`` a '+' before what is above zero."""
        if value is None or math.isnan(value):
            return "-"
        value *= self.times
        return ("+" if sign and value > 0 else "") + (f"{value:.1f}" if abs(value) >= 1000 else f"{value:.{self.digits}f}")


UNKNOWN_REGION = {
    "sad": Column("SAD", 1, "sum of absolute differences / 1000"),
    "mse": Column("MSE e3", 1000, "mean squared difference (tables show it times 1000)"),
    "grad": Column("Grad", 1, "gradient error, sum"),
    "conn": Column("Conn", 1, "connectivity error, sum"),
    "fg_mse": Column("FG MSE e3", 1000, "mean squared difference of the foreground (tables show it times 1000)"),
}
PADDLE2021 = {
    "sad": Column("SAD x2", 1, "twice the sum of absolute differences / 1000"),
    "mse": Column("MSE x2 e3", 1000, "twice the mean squared difference (tables show it times 1000)"),
}
WHOLE_PICTURE = {
    "mad": Column("MAD e3", 1000, "mean absolute difference of the whole image (tables show it times 1000)"),
    "mse": Column("MSE e3", 1000, "mean squared difference of the whole image (tables show it times 1000)"),
    "grad": Column("Grad", 1e-3, "gradient error of the whole image, sum (tables show it / 1000)"),
    "conn": Column("Conn", 1e-3, "connectivity error of the whole image, sum (tables show it / 1000)"),
    "fg_mse": Column("FG MSE e3", 1000, "mean squared difference of the foreground where alpha > 0 (tables: times 1000)"),
}
PADDLESEG = {
    "sad": Column("SAD", 1, "sum of absolute differences / 1000; of the whole image, where the protocol has no trimap"),
    "mse": Column("MSE", 1, "mean squared difference; of the whole image, where the protocol has no trimap", 4),
}
OVER_TIME = {
    "dtssd": Column("dtSSD e2", 100, "root mean squared error of the change since the frame before, 0 for a clip's "
                                     "first frame (tables show it times 100)"),
    "messddt": Column("MESSDdt e3", 1000, "mean change of the squared error along the motion (tables: times 1000)"),
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """One way to measure."""
    name: str                               # its word on the command line
    about: str                              # one line that says what it is
    family: str = "unknown"                 # formulas: "unknown" (Lin et al., CVPR 2021), "paddle2021", "paddleseg", "whole"
    trimap: str = "paper"                   # the rule that makes it, of ``evaluation.testset.trimap.TRIMAPS``
    size: tuple[int, int] | None = None     # (height, width) of composed images; None: each foreground at its own size
    disturb: bool = True                    # whether bgr differs from what is inside src, as a second photo of it would
    noise: float = 0.01                     # sigma of the noise of that second photo, of the range 0..1
    placement: str = "fit"                  # of the subject, of ``evaluation.testset.placement.PLACEMENTS``
    backbone_scale: float | None = 0.25     # how the network is run; None: its own choice
    sample_pixels: int | None = 320_000     # likewise
    unmix: str = "off"                      # of ``UNMIX``: whether ``model.inference.unmix`` ends its work, or both
    rounded: bool = True                    # whether its alpha is rounded to 8 bits, as in a file, before it is scored
    cell: int = 4                           # images are cut to a multiple of this, as the authors' scripts do
    sequences: bool = False                 # whether frames of a clip are also measured over time
    dataset: str = "PhotoMatte85"           # what is measured on unless another is named
    listed: bool = False                    # whether photos are taken as they are, and sets with a list as its lines say
    published: tuple = ()                   # ((name, {metric: plain value}), ...): figures of others, shown as theirs
    note: str = ""                          # what a reader of the figures has to know; printed below them

    @property
    def columns(self) -> dict[str, Column]:
        """{metric: Column} in the order of tables."""
        return columns(self.family, self.sequences)

    def changed(self, **values: object) -> Protocol:
        """The protocol with some attributes replaced; those that are None stay. The size "original" stands for None.

        Raises UserError: no such trimap or placement.
        """
        values = {key: value for key, value in values.items() if value is not None}
        if "size" in values:
            values["size"] = None if values["size"] == "original" else tuple(values["size"])
        for key, known in (("trimap", TRIMAPS), ("placement", PLACEMENTS)):
            if values.get(key, getattr(self, key)) not in known:
                raise UserError(f"unknown {key} '{values[key]}'.{suggest(values[key], known)}")
        return dataclasses.replace(self, **values)

    def differences(self) -> dict:
        """The attributes, as {name: value}, in which it is no longer the protocol of its name."""
        own, original = self.facts(), PROTOCOLS[self.name].facts()
        return {key: value for key, value in own.items() if value != original[key] and key != "sequences"}

    def changes_said(self) -> str:
        """``differences`` as text for a person: "size 72x64, noise 0.02"; "" where there are none."""
        return ", ".join(f"{key} {value[1]}x{value[0]}" if isinstance(value, list) else f"{key} {value}"
                         for key, value in self.differences().items())

    def facts(self) -> dict:
        """All attributes, of types that JSON knows."""
        facts = dataclasses.asdict(self)
        facts["size"] = "original" if self.size is None else list(self.size)
        return facts


def columns(family: str, sequences: bool = False) -> dict[str, Column]:
    """{metric: Column} of one family of formulas; with those over time where frames follow each other."""
    chosen = {"unknown": UNKNOWN_REGION, "paddle2021": PADDLE2021, "paddleseg": PADDLESEG, "whole": WHOLE_PICTURE}[family]
    return {**chosen, **OVER_TIME} if sequences and family == "whole" else chosen


def trimap_rule(needs: str | None) -> str:
    """The rule of ``TRIMAPS`` by which the errors of a method count that is trained or compared with PaddleSeg's.

    Args:
        needs: ``model.methods.method.Method.needs``. With "trimap" the unknown region counts as PaddleSeg's Matting has it,
            with "bgr" that of Lin et al. With None the whole image does, as in the literature: a network that knows nothing
            and says 0.5 everywhere has a small error in the unknown region.
    """
    return {"trimap": "paddleseg", "bgr": "paper", None: "whole"}[needs]


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises UserError where there is none."""
    if name not in PROTOCOLS:
        raise UserError(f"unknown protocol '{name}'.{suggest(name, PROTOCOLS)}")
    return PROTOCOLS[name]


PROTOCOLS = {protocol.name: protocol for protocol in (
    Protocol("sample", "512x512, seeded placement, disturbed bgr, the network and the last step (unmix) as predict.py has "
             "them: quick, for small images such as the sample data",
             size=(512, 512), backbone_scale=None, sample_pixels=80_000, unmix="on"),
    Protocol("paper", "as Lin et al. (CVPR 2021): original size, disturbed bgr, 20,000 patches refined"),
    Protocol("plain", "2048x2048, seeded placement, bgr just as it is inside src", size=(2048, 2048), disturb=False),
    Protocol("paddle2021", "an earlier reproduction in Paddle: its own trimap, SAD and MSE doubled, bgr undisturbed",
             family="paddle2021", trimap="soft", size=(2048, 2048), disturb=False, placement="turned",
             sample_pixels=80_000, rounded=False, cell=1,
             note="paddle2021 is the metric of an earlier Paddle reproduction: SAD and MSE are doubled and its trimap "
                  "reaches 10 pixels around every soft one. Plain values are about half; placement here is seeded."),
    Protocol("rvm", "as Robust Video Matting (WACV 2022): the whole image counts, and change over time in clips",
             family="whole", trimap="whole", disturb=False, backbone_scale=None, sample_pixels=None, cell=1),
    Protocol("paddleseg", "as PaddleSeg's Matting on PPM-100: photos as they are, the whole image counts",
             family="paddleseg", trimap="whole", disturb=False, backbone_scale=None, sample_pixels=None, cell=1,
             dataset="PPM100", listed=True,
             published=(("PaddleSeg's MODNet-MobileNetV2", {"sad": 112.73, "mse": 0.0098}),
                        ("PaddleSeg's MODNet-ResNet50_vd", {"sad": 104.14, "mse": 0.0090}),
                        ("PaddleSeg's MODNet-HRNet_W18", {"sad": 77.96, "mse": 0.0054})),
             note="The rows named PaddleSeg's are what its makers published for weights of theirs on PPM-100; nothing of "
                  "them was measured here, and they compare with figures on PPM-100's validation photos alone."),
)}
