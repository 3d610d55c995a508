"""Background Matting V2: a photo with the subject and a photo of the empty scene. Alpha and foreground."""
from model.methods.input_rule import InputRule
from model.methods.method import Method
from model.methods.tensors import unwrapped
from model.weights.loading import describe_state

BACKBONES = ("mobilenetv2", "mobilenetv3", "mobilenetv3_small", "mobilenetv3_small_os32", "resnet50", "resnet101")


def build(backbone, **settings):
    """A MattingRefine."""
    from model.matting import MattingRefine  # imports paddle
    return MattingRefine(backbone, **settings)


def recognise(arrays):
    """As ``Method.recognise``; with the side of the refiner's kernels, None for a base network alone."""
    try:
        return describe_state(arrays)
    except ValueError:
        return None


def answer(network, src, bgr):
    """{"pha", "fgr"} of a MattingBase or MattingRefine."""
    out = network(src, bgr)
    return {"pha": out.pha, "fgr": out.fgr}


def terms(network, batch):
    """Loss terms of a MattingBase or MattingRefine, as ``Method.terms``."""
    from model.losses import base_loss, refine_loss  # import paddle
    loss = refine_loss if hasattr(unwrapped(network), "refiner") else base_loss
    return loss(network(batch["src"], batch["bgr"]), batch["pha"], batch["fgr"])


METHOD = Method("background", "bgr", BACKBONES, build, InputRule(multiple=4, padded=True), ("pha", "fgr"),
                answer, terms, recognise=recognise, refines=True)
