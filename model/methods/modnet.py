"""MODNet: one photo of a person and nothing else. Alpha.

PaddleSeg trains it for 100,000 steps of 16 crops of 512x512 with SGD (momentum 0.9, weight decay 4e-5), learning rate 0.02,
a tenth of it from step 40,000 and again from step 80,000; it evaluates at a shorter side of 512, sides multiples of 32.
"""
from model.backbones.paddleseg import ENCODERS
from model.methods.input_rule import InputRule
from model.methods.method import Method
from model.methods.tensors import unknown_of, unwrapped
from model.modnet.losses import WEIGHTS, modnet_loss
from model.modnet.network import MODNet


def answer(network, img):
    """{"pha"} of a MODNet."""
    return {"pha": network(img)}


def terms(network, batch):
    """Loss terms of a MODNet, as ``Method.terms``."""
    img = RULE.ranged(batch["src"])
    pred, blur = network(img, every_branch=True), unwrapped(network).blurer
    return modnet_loss(pred, img, batch["pha"], unknown_of(batch["trimap"]), blur)


RULE = InputRule(short=512, multiple=32, lowest=-1)
METHOD = Method("modnet", None, tuple(ENCODERS), MODNet, RULE, ("pha",), answer, terms, WEIGHTS)
