"""How methods are taught that are taught all at once, on photos and trimaps: MODNet, DIM, and what may follow."""
from __future__ import annotations

from functools import partial

from bgmatting.model.methods.method import Method, unwrapped
from bgmatting.model.weights.initial import start_from_paddleseg
from bgmatting.training.lessons.lesson import Lesson


def lesson_of(method: Method) -> Lesson:
    """The ``Lesson`` of a ``Method``, by nothing but what it says of itself."""
    return Lesson(method, partial(_network, method), partial(_learn, method), start_from_paddleseg, partial(_judge, method),
                  ("whole",), pictures=_pictures)


def _network(method, settings):
    return method.build(settings["backbone"])


def _learn(method, network, phase, batch, settings, precision):
    told = _InPrecision(network, precision)
    terms = method.terms(told, batch)
    return {name: method.weights.get(name, 1) * value for name, value in terms.items()}, told.answer


class _InPrecision:
    """A network whose forward is computed as ``precision`` says, and whose answer, kept as ``answer``, is in float32."""

    def __init__(self, network, precision):
        self._layers, self._precision, self.answer = unwrapped(network), precision, None

    def __call__(self, *inputs, **options):
        with self._precision.autocast():
            answer = self._layers(*inputs, **options)
        self.answer = type(answer)(*(image.astype("float32") for image in answer))
        return self.answer


def _judge(method, network, item, device, coarse):
    return method.matted(network, item.src, item.extra(method.needs)), None


def _pictures(network, phase, batch, pred):
    pha = pred.pha.clip(0, 1)
    return {"trimap": batch["trimap"], "com": batch["src"] * pha, "true": batch["pha"]}
