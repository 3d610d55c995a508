"""Which networks the mattes come from: told from the weights, the configuration, and what is given."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from bgmatting.model.inference.single import check_wanted
from bgmatting.model.methods import find_method, method_needing
from bgmatting.model.methods.recognition import recognised
from bgmatting.model.weights.places import placed_weights
from bgmatting.prediction.options import CAMERA, FILMS, STILL, Options
from bgmatting.prediction.rendering import wanted_of
from bgmatting.prediction.source import Source
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError
from bgmatting.utils.yaml_json import read_config, shown

AUTO = "auto"


class Choice(NamedTuple):
    """A network: its ``Method`` and its weights file, None for the starter weights. first: the ``Choice`` whose matte gives
    the trimap, with --trimap auto; else None."""
    method: Any
    weights: str | None
    first: Any = None

    @property
    def needs(self) -> str | None:
        """The input that has to be given beside src: "bgr", "trimap" or None."""
        return self.method.needs if self.first is None else self.first.method.needs


def choose(options: Options, source: Source, sample: bool = False) -> Options:
    """``options`` with a ``Choice``, and bgr only where its method takes it. ``sample``: it is the project's own pair, of
    which the method takes what it needs. Raises UserError where weights are missing or of another method than the other
    options ask for."""
    if options.trimap_weights is not None and options.trimap != AUTO:
        raise UserError("--trimap-weights is for --trimap auto. Leave it out.")
    if options.trimap not in (None, AUTO):
        _check_trimap(options, source, sample)
    given = "trimap" if options.trimap is not None else _beside(options, source)
    choice = _network(options, source, "bgr" if sample and options.trimap is None else given, sample)
    if options.trimap == AUTO:
        choice = choice._replace(first=_first(options, source, _beside(options, source, camera=False)))
    _check_types(options, choice)
    return replace(options, bgr=None if sample and choice.needs != "bgr" else options.bgr, choice=choice)


def open_matter(options: Options) -> Any:
    """The ``Matter`` of ``choose``'s answer, or an ``AutoTrimap`` of two where one makes the trimap for the other. Raises
    UserError where weights cannot be used."""
    prepare_cpu(load=False)
    from bgmatting.model import Matter  # after these settings
    from bgmatting.model.inference.trimap import AutoTrimap
    plain = {"backend": options.backend, "device": options.device, "precision": options.precision}
    refining = {"backbone_scale": options.backbone_scale, "refine_mode": options.refine_mode,
                "sample_pixels": options.sample_pixels, "threshold": options.refine_threshold,
                "max_memory": options.max_memory, "unmix": options.unmix}
    choice = options.choice
    if choice is None or choice.first is None:
        return Matter(weights=options.weights if choice is None else choice.weights, **plain, **refining)
    first = Matter(weights=choice.first.weights, **plain, **refining)
    return AutoTrimap(first, Matter(weights=choice.weights, **{**plain, "precision": precision_beside(options.precision)}))


def precision_beside(precision: str) -> str:
    """What a network that does not refine computes in beside one that has the option --precision: int8 is not for it."""
    return "auto" if precision == "int8" else precision


def _beside(options, source, camera=True):
    """"bgr" where it is given, or a camera will take it itself; None where src stands alone."""
    return "bgr" if options.bgr is not None or camera and source.kind == CAMERA else None


def _network(options, source, given, sample):
    """The ``Choice`` without its ``first``."""
    configured, backbone = method_of_config(options.config)
    if options.weights is not None:
        method, described = recognised(options.weights)
        if configured not in (None, method.name) or backbone not in (None, described["backbone"]):
            raise UserError(f"{options.weights} is of {method.name} with {described['backbone']}, and {options.config} of "
                            f"{configured or method.name} with {backbone or 'any backbone'}. Name the weights that go with "
                            "it.")
    else:
        method = method_needing(given) if configured is None else find_method(configured)
    if not (sample and options.trimap is None) or method.needs == "trimap":
        _check_need(options, source, method, given)
    if options.weights is not None:
        return Choice(method, options.weights)
    return Choice(method, _usual_weights(options, source, method, backbone))


def _usual_weights(options, source, method, backbone):
    """Weights of a method where none are named. Raises UserError, of two lines, where they are not there."""
    if method.needs == "bgr":
        if backbone is not None and recognised(None)[1]["backbone"] != backbone:
            raise UserError(f"the starter weights are not of {backbone}, which {options.config} asks for. Name others with "
                            "--weights.")
        return None
    try:
        return str(placed_weights(method, backbone))
    except UserError as error:
        why, otherwise = f"--trimap {options.trimap}", ""
        if method.needs is None:
            why, otherwise = f"--src {options.src} without --bgr", f" Or give --bgr, {scene_for(source.kind)}."
        raise UserError(f"{why} takes {method.name}: {error}", error.hint + otherwise) from None


def _first(options, source, given):
    """The ``Choice`` whose matte gives the trimap."""
    if options.trimap_weights is None:
        method = method_needing(given)
        return Choice(method, _usual_weights(options, source, method, None))
    method, _ = recognised(options.trimap_weights)
    if method.needs != given:
        raise UserError(f"{options.trimap_weights} is of {method.name}, which needs {_said(method.needs)}. --trimap-weights "
                        "names the network whose matte the trimap is made of.")
    return Choice(method, options.trimap_weights)


def _check_need(options, source, method, given):
    """Raise UserError where a method needs something else than what is given."""
    if method.needs == given or method.needs is None and source.kind == CAMERA and given == "bgr" and options.bgr is None:
        return  # a camera may take its background itself, or none
    who = f"{options.weights or options.config} is of {method.name}"
    if given == "trimap":
        raise UserError(f"--trimap is for dim, and {who}. Name weights of dim with --weights, or leave --trimap out.")
    if method.needs is None:
        raise UserError(f"{who}, which takes src alone. Leave --bgr out.")
    if method.needs == "bgr":
        raise UserError(f"--src {source.name} needs its --bgr: {scene_for(source.kind)}.")
    raise UserError(f"{who}, which needs {_said(method.needs)}.")


def scene_for(kind: str) -> str:
    """What bgr may be beside a source of ``kind``, in words."""
    if kind not in FILMS:
        return "a photo of the same scene without the subject"
    return ("a photo or video of the same scene without the subject, first:N where its first N frames show that, or median "
            "where the subject moves about")


def _said(need):
    return {"bgr": "--bgr", "trimap": "--trimap: a file, a folder, or auto", None: "src alone"}[need]


def _check_trimap(options, source, sample):
    if options.bgr is not None and not sample:
        raise UserError(f"--bgr is not looked at beside --trimap {options.trimap}. Leave one out, or say --trimap auto: the "
                        "trimap then comes of the matte of src and bgr.")
    if sample:
        raise UserError(f"--trimap {options.trimap} needs its --src: the photo with the subject.")
    if source.kind not in STILL:
        raise UserError(f"--trimap {options.trimap} is for photos; {source.name} takes --trimap auto.")


def _check_types(options, choice):
    """Raise UserError where an output cannot be made."""
    wanted = wanted_of(options.type or ("pha", "com"))
    if choice.method.refines:
        return
    own = choice.first is not None and "fgr" in choice.first.method.outputs
    check_wanted(choice.method, [name for name in wanted if name != "fgr" or not own])


def method_of_config(path: str | None) -> tuple[str | None, str | None]:
    """(method, backbone) that a training configuration names, None each where it does not; (None, None) without one. Raises
    UserError where it cannot be read (``utils.yaml_json.read_config``), or one of them is no name."""
    found = {} if path is None else read_config(path)
    for key in ("method", "backbone"):
        if not isinstance(found.get(key), (str, type(None))):
            raise UserError(f"'{key}' in {path} must be a name, not {shown(found[key])}.")
    if found.get("method") is not None:
        find_method(found["method"])
    return found.get("method"), found.get("backbone")
