"""Deep Image Matting: a photo and a trimap. Alpha.

PaddleSeg trains both stages at once, for 100,000 steps of 16 crops (of 320, 480 or 640 pixels, every other one centred on an
unknown pixel, resized to 320x320) with Adam at 0.001; it evaluates at the photo's own size, the longer side at most 3840.
"""
from model.dim.losses import WEIGHTS, dim_loss
from model.dim.network import BACKBONES, DIM
from model.methods.input_rule import InputRule
from model.methods.method import Method
from model.methods.tensors import unknown_of


def answer(network, img, trimap):
    """{"pha"} of a DIM."""
    return {"pha": network(img, trimap)}


def terms(network, batch):
    """Loss terms of a DIM, as ``Method.terms``."""
    img, fgr, bgr = (RULE.ranged(batch[name]) for name in ("src", "fgr", "bgr"))
    pred = network(img, batch["trimap"], both_stages=True)
    return dim_loss(pred, img, batch["pha"], unknown_of(batch["trimap"]), fgr, bgr)


RULE = InputRule(longest=3840, lowest=-1)
METHOD = Method("dim", "trimap", BACKBONES, DIM, RULE, ("pha",), answer, terms, WEIGHTS)
