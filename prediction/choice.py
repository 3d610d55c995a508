"""Which networks the mattes of a command line come from: told from the weights, the configuration, and what is given."""
import os
from pathlib import Path
from typing import Any, NamedTuple, Optional

from bgmatting.model.inference.single import check_wanted
from bgmatting.model.methods import find_method, method_needing
from bgmatting.model.methods.recognition import recognised
from bgmatting.model.weights.places import placed_weights
from bgmatting.prediction.outputs import wanted_of
from bgmatting.prediction.source import inputs, is_camera, is_video_source
from bgmatting.utils.errors import UserError
from bgmatting.utils.plain_files import read_yaml, shown

AUTO = "auto"
MOST_FILES = 20  # that a configuration builds on


class Choice(NamedTuple):
    """A network.

    method: its ``Method``. weights: its file, None for the starter weights. first: the ``Choice`` whose matte gives the
    trimap, with --trimap auto; else None.
    """
    method: Any
    weights: Optional[str]
    first: Any = None

    @property
    def needs(self):
        """What has to be given beside src: "bgr", "trimap" or None."""
        return self.method.needs if self.first is None else self.first.method.needs


def choose(options):
    """``options`` with the sample's names filled in where nothing is named, and a ``Choice``.

    Raises:
        UserError: weights are missing or of another method than the rest of the command line asks for.
    """
    src, bgr = inputs(options.src, options.bgr)
    if options.trimap is None and options.trimap_weights is not None:
        raise UserError("--trimap-weights is for --trimap auto. Leave it out.")
    if options.trimap not in (None, AUTO):
        _check_trimap(options)
    given = _given(options)
    sample = options.src is None and options.trimap is None  # the pair is there, and the method takes what it needs of it
    choice = _network(options, "bgr" if sample else given, sample)
    if options.trimap == AUTO:
        choice = choice._replace(first=_first(options, "bgr" if bgr is not None else None))
    _check_types(options, choice)
    return options._replace(src=src, bgr=bgr if choice.needs == "bgr" else options.bgr, choice=choice)


def _given(options):
    """What is given beside src."""
    if options.trimap is not None:
        return "trimap"
    return "bgr" if options.bgr is not None or is_camera(options.src) else None


def _network(options, given, sample):
    """The ``Choice`` without its ``first``."""
    configured, backbone = read_config(options.config)
    if options.weights is not None:
        method, described = recognised(options.weights)
        if configured not in (None, method.name) or backbone not in (None, described["backbone"]):
            raise UserError(f"{options.weights} is of {method.name} with {described['backbone']}, and {options.config} of "
                            f"{configured or method.name} with {backbone or 'any backbone'}. Name the weights that go with "
                            "it.")
    else:
        method = method_needing(given) if configured is None else find_method(configured)
    if not sample or method.needs == "trimap":
        _check_need(options, method, given)
    if options.weights is not None:
        return Choice(method, options.weights)
    return Choice(method, _usual_weights(options, method, backbone))


def _usual_weights(options, method, backbone):
    """Weights of a method where none are named. Raises UserError, of two lines, where they are not there."""
    if method.needs == "bgr":
        if backbone is not None and recognised(None)[1]["backbone"] != backbone:
            raise UserError(f"the starter weights are not of {backbone}, which {options.config} asks for. Name others with "
                            "--weights.")
        return None
    try:
        return str(placed_weights(method, backbone))
    except UserError as error:
        raise UserError(f"{_why(options, method)}: {error}", error.hint + _otherwise(options, method)) from None


def _why(options, method):
    if method.needs == "trimap":
        return f"--trimap {options.trimap} takes {method.name}"
    return f"--src {options.src} without --bgr takes {method.name}"


def _otherwise(options, method):
    if method.needs == "trimap":
        return ""
    more = " (--help says which else, such as first:N)" if is_video_source(options.src) else ""
    return f" Or give --bgr, a photo of the same scene without the subject{more}."


def _first(options, given):
    """The ``Choice`` whose matte gives the trimap."""
    if options.trimap_weights is None:
        method = method_needing(given)
        return Choice(method, _usual_weights(options, method, None))
    method, _ = recognised(options.trimap_weights)
    if method.needs != given:
        raise UserError(f"{options.trimap_weights} is of {method.name}, which needs {_said(method.needs)}. --trimap-weights "
                        "names the network whose matte the trimap is made of.")
    return Choice(method, options.trimap_weights)


def _check_need(options, method, given):
    """Raise UserError where a method needs something else than what is given."""
    if method.needs == given or method.needs is None and is_camera(options.src) and given == "bgr" and options.bgr is None:
        return  # a camera may take its background itself, or none
    who = f"{options.weights or options.config} is of {method.name}"
    if given == "trimap":
        raise UserError(f"--trimap is for dim, and {who}. Name weights of dim with --weights, or leave --trimap out.")
    if method.needs is None:
        raise UserError(f"{who}, which takes src alone. Leave --bgr out.")
    if method.needs == "bgr":
        inputs(options.src, None, needed=True)
    raise UserError(f"{who}, which needs {_said(method.needs)}.")


def _said(need):
    return {"bgr": "--bgr", "trimap": "--trimap: a file, a folder, or auto", None: "src alone"}[need]


def _check_trimap(options):
    if options.bgr is not None:
        raise UserError(f"--bgr is not looked at beside --trimap {options.trimap}. Leave one out, or say --trimap auto: the "
                        "trimap then comes of the matte of src and bgr.")
    if options.trimap_weights is not None:
        raise UserError("--trimap-weights is for --trimap auto. Leave it out.")
    if options.src is None:
        raise UserError(f"--trimap {options.trimap} needs its --src: the photo with the subject.")
    if is_camera(options.src) or is_video_source(options.src):
        raise UserError(f"--trimap {options.trimap} is for photos; {options.src} takes --trimap auto.")


def _check_types(options, choice):
    """Raise UserError where an output cannot be made."""
    wanted = wanted_of(options.type or ("pha", "com"))
    if choice.method.refines:
        return
    own = choice.first is not None and "fgr" in choice.first.method.outputs
    check_wanted(choice.method, [name for name in wanted if name != "fgr" or not own])


def read_config(path):
    """(method, backbone) that a training configuration names, None each where it does not; (None, None) without one.

    Only these two keys are looked at, also in the files that it builds on (``_base_``).

    Raises:
        UserError: it is missing or not YAML, or a key is not text.
    """
    if path is None:
        return None, None
    found, files, read = {}, [Path(path)], 0
    while files:
        file, read = files.pop(0), read + 1
        if read > MOST_FILES:
            raise UserError(f"{path} builds on more than {MOST_FILES} files; join some of them.")
        content = _content(file)
        for key in ("method", "backbone"):
            if not isinstance(content.get(key), (str, type(None))):
                raise UserError(f"'{key}' in {file} must be a name, not {shown(content[key])}.")
        found = {**content, **found}
        bases = content.get("_base_", [])
        files += [file.parent / str(base) for base in (bases if isinstance(bases, list) else [bases])]
    if found.get("method") is not None:
        find_method(found["method"])
    return found.get("method"), found.get("backbone")


def _content(path):
    if not os.path.isfile(path):
        raise UserError(f"no such configuration: {path}. They lie in configs.")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} is no configuration: it holds {shown(content)}.")
    return content
