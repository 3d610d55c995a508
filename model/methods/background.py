"""Background Matting V2: a photo with the subject and a photo of the empty scene. Alpha and foreground."""
from model.backbones import BACKBONES
from model.losses import base_loss, refine_loss
from model.matting import MattingRefine
from model.methods.input_rule import InputRule
from model.methods.method import Method
from model.methods.tensors import unwrapped


def answer(network, src, bgr):
    """{"pha", "fgr"} of a MattingBase or MattingRefine."""
    out = network(src, bgr)
    return {"pha": out.pha, "fgr": out.fgr}


def terms(network, batch):
    """Loss terms of a MattingBase or MattingRefine, as ``Method.terms``."""
    loss = refine_loss if hasattr(unwrapped(network), "refiner") else base_loss
    return loss(network(batch["src"], batch["bgr"]), batch["pha"], batch["fgr"])


METHOD = Method("background", "bgr", BACKBONES, MattingRefine, InputRule(multiple=4, padded=True), ("pha", "fgr"),
                answer, terms)
