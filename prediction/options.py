"""Options: each one once, with its type, default, range, help text, and who offers it.

The flags of predict.py, the keyword arguments of ``prediction.core``, the form fields of the HTTP API with their OpenAPI
schema, the words that the page offers, and docs/reference/options.md (docs/make_reference.py) are all made of the fields
of ``Options``.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, Callable

from bgmatting.media.alignment.camera_motion import MODES
from bgmatting.media.exr_dpx import frame_rate
from bgmatting.media.video.writer import FORMATS
from bgmatting.prediction.output_paths import NAMED, SUFFIXES, names_picture
from bgmatting.prediction.rendering import TYPES
from bgmatting.prediction.sizes import FITS
from bgmatting.prediction.smoothing import WAYS
from bgmatting.utils.errors import UserError, suggest

PHOTO, PHOTOS, VIDEO, SEQUENCE, CAMERA = KINDS = ("photo", "photos", "video", "sequence", "camera")  # kinds of source
STILL, FILMS = (PHOTO, PHOTOS), (VIDEO, SEQUENCE)
MOVING = (*FILMS, CAMERA)
PIPE = "-"  # stdin as src, stdout as output
ONE_OF = {PHOTO: "one photo", PHOTOS: "a folder of photos", VIDEO: "a video", SEQUENCE: "a sequence of images",
          CAMERA: "a camera"}
PLURAL = {PHOTO: "photos", PHOTOS: "folders of photos", VIDEO: "videos", SEQUENCE: "sequences",
          CAMERA: "cameras"}

COMMAND, PYTHON, HTTP, PAGE = "command line", "Python", "HTTP", "page"  # front ends
EVERYWHERE = (COMMAND, PYTHON, HTTP, PAGE)
# What a request may decide, whatever the fields below say: never a place, a file or a device of the server.
HTTP_NAMES = ("bgr", "type", "target_bgr", "format", "bit_depth", "fit", "align", "exposure", "temporal", "fps", "crop")

RECORDED = tuple(name for name, format in FORMATS.items() if format.suffix)  # what a camera is written as
FORMATS_OF = {PHOTO: tuple(SUFFIXES), PHOTOS: tuple(SUFFIXES), VIDEO: (*RECORDED, "png"), SEQUENCE: tuple(FORMATS),
              CAMERA: RECORDED}


@dataclass(frozen=True)
class About:
    """Facts on an option.

    Attributes:
        help: what it does. default: its default in words, "" where there is none to tell.
        type: makes its value of text. choices: words that it may be, or {kind of source: words}; upper case counts as lower.
        same: {another word: the choice that it stands for}. least, most: its range.
        kinds: of source, that it says something to. fronts: who offers it.
        flags: spellings beside --NAME. metavar: of its value. bare: its value where the flag stands alone.
        form: name of the form field, where that differs. form_default: its default in a form in words, where that differs.
        upload: a form may hold a file in its place. words: which words the field may hold then, for people.
    """
    help: str
    default: str = ""
    type: Callable = str
    choices: tuple | Mapping[str, tuple] = ()
    same: Mapping[str, str | None] = field(default_factory=dict)
    least: float | None = None
    most: float = float("inf")
    kinds: tuple = KINDS
    fronts: tuple = (COMMAND, PYTHON)
    flags: tuple = ()
    metavar: str | None = None
    bare: str | None = None
    form: str | None = None
    form_default: str | None = None
    upload: bool = False
    words: str = ""

    def words_for(self, kind: str) -> tuple:
        """Allowed words beside a source of ``kind``; () for anything."""
        return self.choices.get(kind, ()) if isinstance(self.choices, Mapping) else self.choices

    @property
    def all_words(self) -> tuple:
        """Allowed words beside any source."""
        if not isinstance(self.choices, Mapping):
            return self.choices
        return tuple(dict.fromkeys(word for words in self.choices.values() for word in words))


def option(value: Any, help: str, default: str = "", **more: Any) -> Any:
    """A field of ``Options`` with ``value`` as default; ``more`` as ``About``."""
    return field(default=value, metadata={"about": About(help, default, **more)})


@dataclass(frozen=True)
class Options:
    """Options of a matting run: the flags of predict.py by their names (docs/reference/options.md). ``checked`` checks them.

    ``src`` names the source, for messages; ``choice`` is a ``network_choice.Choice``, or None where the network is given;
    ``stdin`` and ``stdout`` are binary files in place of the process's own.
    """
    src: str | None = option(
        None, "what to matte: a photo, a folder of photos, a video, numbered images (frame_####.exr, or a printf "
        "pattern), a stream address, camera:0, or - for stdin",
        "image/sample/src.jpg", flags=("--image-path",))
    bgr: str | None = option(
        None, "photo of the empty scene, or a folder of such photos with the same names; for a video also a video, "
        "first:N (its first N frames) or median; if left out, MODNet mattes src alone",
        "image/sample/bgr.jpg if --src is left out too",
        fronts=EVERYWHERE, form_default="", upload=True, words="first:N or median, for a video")
    trimap: str | None = option(
        None, "use DIM to matte the unknown region of a trimap (0 background, 255 foreground, else unknown): a file, a "
        "folder with the same names, or auto, which makes one from the matte of src and --bgr, or of src alone", "none",
        flags=("--trimap-path",), metavar="WHICH")
    output: str = option(
        "image", "folder for the results; for one photo, can be an image file; for a camera with --no-window, the "
        "video file; - writes one --type to stdout, a photo as PNG, a video as raw frames",
        "image", flags=("--save-dir",))
    type: tuple[str, ...] | None = option(
        None, "what to write: pha alpha, com cut-out, fgr foreground, err predicted error, ref refined patches",
        "pha com; com if --output names an image", choices=TYPES, same={"alp": "pha"}, fronts=EVERYWHERE,
        form_default="com; of a ZIP of photos pha and com")
    target_bgr: str | None = option(
        None, "new background for com: a photo, a video, a colour (white, #20c040), or blur (the scene out of focus)",
        "none: com is a cut-out with alpha", metavar="BGR", fronts=EVERYWHERE, form="target", upload=True,
        words="a colour or blur")
    format: str | None = option(
        None, "file format; for photos: png, webp (lossless for pha and cut-outs), tiff or jpg; for videos: mp4, mov, "
        "webm, or png for a folder of images; for sequences also exr (half floats in linear light); cut-outs need a "
        "format with alpha (not jpg or mp4)",
        "the suffix of --output, else png; for videos mov for cut-outs, else mp4; for sequences exr for plates, else png",
        choices=FORMATS_OF, fronts=EVERYWHERE, flags=("--video-format",),
        form_default="png; for videos mov for cut-outs, else mp4")
    bit_depth: int | None = option(
        None, "bits per channel; 16 only in png and tiff", "8", type=int, choices=(8, 16), kinds=STILL, fronts=EVERYWHERE)
    crop: int | None = option(
        None, "crop results to the subject plus a margin of this many pixels", "off", type=int, least=0, most=100_000,
        kinds=STILL, fronts=(COMMAND, PYTHON, HTTP), bare="0", metavar="MARGIN")
    premultiplied: bool = option(
        False, "multiply the colours of cut-outs by alpha; plates with alpha are taken to be premultiplied, too", "off",
        kinds=(*STILL, *FILMS))
    frame_rate: Fraction | None = option(
        None, "frames per second, such as 24, 23.976 or 24000/1001", "as stored in the files, else 24", type=frame_rate,
        kinds=(SEQUENCE,), metavar="N")
    size: str | None = option(
        None, "stdin (--src -) is raw 8-bit RGB frames of this size, such as 1920x1080", "off", kinds=(SEQUENCE,),
        metavar="WxH")
    overwrite: bool = option(
        False, "replace existing results; without it, a folder continues where it stopped, and anything else is "
        "refused if its result exists", "off")
    shard: str | None = option(
        None, "process only part I of N of a folder, counted from 1, for several machines or job arrays", "all",
        kinds=(PHOTOS,), metavar="I/N")
    sheet: str | None = option(
        None, "also write one image that shows src, bgr, pha and com of the first photos", "none", kinds=STILL,
        metavar="FILE")
    sheet_rows: int = option(8, "how many photos --sheet shows", "8", type=int, least=1, kinds=STILL, metavar="N")
    fit: str | None = option(
        None, "what to do if bgr and src differ in size: resize stretches bgr, crop scales and crops it", "refuse it",
        choices=FITS, fronts=EVERYWHERE)
    pair: str = option(
        "name", "how photos are paired with bgr or trimap files: name (same path without suffix) or order "
        "(first with first)", "name", choices=("name", "order"), kinds=(PHOTOS,), metavar="HOW")
    align: str = option(
        "auto", "align bgr with src: auto (if it helps), homography (whenever one is found) or off", "auto",
        choices=MODES["align"], fronts=EVERYWHERE)
    exposure: str = option(
        "auto", "match bgr to the light of src: auto (if it helps) or off", "auto", choices=MODES["exposure"],
        fronts=EVERYWHERE)
    temporal: str | None = option(
        None, "smooth the matte over time: flow (along the motion); ofd (one frame of delay, replaces alpha that "
        "differs from both neighbours; not for cameras); auto, also if no value is given (flow with bgr, ofd without); "
        "or off", "off",
        choices={**dict.fromkeys(FILMS, ("auto", *WAYS)), CAMERA: ("auto", "flow")}, same={"on": "auto", "off": None},
        kinds=MOVING, fronts=EVERYWHERE, bare="auto", metavar="WAY")
    fps: float | None = option(
        None, "for a finer matte, give the coarse network a larger frame if this machine still mattes so many frames per "
        "second; 0: the finest matte, however long it takes", "off", type=float, least=0, kinds=MOVING,
        fronts=(COMMAND, PYTHON, HTTP), metavar="N")
    no_window: bool = option(False, "run without preview or keys, and write --output FILE.mp4", "off", kinds=(CAMERA,))
    virtual_camera: bool = option(
        False, "also send the frames to other programs, through pyvirtualcam", "off", kinds=(CAMERA,))
    countdown: float | None = option(
        None, "seconds between pressing b and capturing the background", "3", type=float, least=0, most=3600,
        kinds=(CAMERA,), metavar="S")
    weights: str | None = option(
        None, "weights file or run folder, of any method; the backbone is detected from the file",
        "the starter weights; for MODNet and DIM those in model/weights", flags=("--model-path",))
    trimap_weights: str | None = option(
        None, "weights of the network that makes the trimap for --trimap auto", "as for --weights", metavar="WEIGHTS")
    config: str | None = option(
        None, "training configuration that gives the method and backbone of the weights", "none")
    device: str | None = option(None, "cpu, gpu or gpu:N", "a GPU if there is one")
    backend: str = option(
        "auto", "openvino, onnxruntime, paddle-inference or paddle", "the fastest that is installed and passes its "
        "self-check")
    precision: str = option(
        "auto", "fp32; bf16, fp16 or int8 if the backend and device support it; auto: bf16 or int8 if this CPU is faster in "
        "it, else fp32", "auto")
    max_memory: float | None = option(
        None, "memory in MiB that refining may use at once; the result is the same", "whatever is fastest", type=float,
        metavar="MIB")
    backbone_scale: float | None = option(
        None, "size of the coarse network's input relative to the photo",
        "the weights file's; else photos are seen twice, at 1 and 0.5 (smaller from 2 megapixels on), videos and cameras at "
        "0.25, at 0.5 below 1280x720, at 0.125 from 10,000 pixels on", type=float)
    refine_mode: str | None = option(
        None, "which patches to refine: sampling, thresholding or full", "the weights file's; else sampling")
    sample_pixels: int | None = option(
        None, "number of pixels to refine in sampling mode", "the weights file's; else 80000 of a photo, 10000 of a frame",
        type=int, least=0)
    refine_threshold: float | None = option(
        None, "predicted error above which thresholding mode refines", "the weights file's; else 0.1", type=float,
        least=0, most=1)
    unmix: bool = option(
        True, "keep the network's own alpha: skip the last steps, which recover fine strands and fill holes", "off")
    fill: bool = option(
        True, "do not fill holes that the photos show to be wrong", "off", kinds=STILL)
    choice: Any = None
    stdin: Any = None
    stdout: Any = None

    @property
    def needs(self) -> str | None:
        """The input that is used beside src: "bgr", "trimap" or None; of a network that is given, what is given with it."""
        if self.choice is not None:
            return self.choice.needs
        return "trimap" if self.trimap is not None else None if self.bgr is None else "bgr"

    @property
    def trimaps(self) -> str | None:
        """The trimap's file or the folder of them; None where none is read, as with ``auto``."""
        return self.trimap if self.needs == "trimap" else None

    @property
    def bits(self) -> int:
        """How finely mattes are needed, as ``model.Matter`` takes it: smoothing averages them, so 8 bits are too few."""
        return 16 if self.bit_depth == 16 or self.temporal else 8


OPTIONS: Mapping[str, About] = {one.name: one.metadata["about"] for one in fields(Options) if one.metadata}
_DEFAULTS = {one.name: one.default for one in fields(Options) if one.default is not MISSING}
FORM: Mapping[str, str] = {OPTIONS[name].form or name: name for name in HTTP_NAMES if HTTP in OPTIONS[name].fronts}


def flag_of(name: str) -> str:
    """Return how the command line spells an option."""
    return f"--{'no-' if _DEFAULTS[name] is True else ''}{name.replace('_', '-')}"


def add_flags(parser: Any, names: Iterable[str] = OPTIONS, **defaults: Any) -> None:
    """Add the flags of options to an argparse parser. ``defaults``: those that are others here."""
    for name in names:
        about, default = OPTIONS[name], _DEFAULTS[name]
        text = _for(about) + about.help + (f" (default: {about.default})" if about.default else "")
        given = {"dest": name, "default": defaults.get(name, default), "help": text.replace("%", "%%")}
        if isinstance(default, bool):
            given["action"] = "store_false" if default else "store_true"
        else:
            given.update(type=about.type, metavar=about.metavar)
            if name == "type":
                given.update(nargs="+", metavar="TYPE")
            if about.bare is not None:
                given.update(nargs="?", const=about.bare)
        parser.add_argument(flag_of(name), *about.flags, **given)


def _for(about: About) -> str:
    """Which kinds of source an option is for, before its help; "" where for all."""
    return "" if about.kinds == KINDS else f"{plural(about.kinds)}: "


def plural(kinds: tuple) -> str:
    """Kinds of source in words; photos stand for folders of them, and videos for sequences."""
    kinds = [kind for kind in kinds if not (kind == PHOTOS and PHOTO in kinds or kind == SEQUENCE and VIDEO in kinds)]
    return " and ".join(PLURAL[kind] for kind in kinds)


def options_of(given: Mapping[str, Any]) -> Options:
    """``Options`` of {name: value}, such as ``vars`` of a parsed command line; what is no option is passed over."""
    found = {name: given[name] for name in OPTIONS if name in given}
    return Options(**{**found, "output": str(found.get("output", _DEFAULTS["output"]))})


def checked(options: Options, kind: str) -> Options:
    """``options`` with words in their one spelling and types in order, each once. Raises UserError where an option is not
    for a source of ``kind``, or its value is out of its range."""
    changes = {}
    for name, about in OPTIONS.items():
        value = getattr(options, name)
        value = _meant(about, value)
        if value == "":
            raise UserError(f"{flag_of(name)} is empty. Give it a value, or leave it out.")
        if value != _DEFAULTS[name]:
            if kind not in about.kinds:
                raise UserError(f"{flag_of(name)} is for {plural(about.kinds)}; {options.src} is {ONE_OF[kind]}. "
                                f"Leave it out.")
            value = _value(name, about, value, kind)
        changes[name] = value
    options = replace(options, **changes)
    if options.target_bgr is not None and options.type is not None and "com" not in options.type and options.sheet is None:
        raise UserError("--target-bgr is what com is set before, and --type does not name com. Add it.")
    if options.sheet is not None and not names_picture(options.sheet, NAMED):
        raise UserError(f"--sheet names an image to write (.png, .jpg, .webp, .tif), not {options.sheet}.")
    if options.sheet is None and options.sheet_rows != _DEFAULTS["sheet_rows"]:
        raise UserError("--sheet-rows is about --sheet, which is not given. Give it, or leave the rows out.")
    if options.fps is not None and options.backbone_scale is not None:
        raise UserError("--fps chooses how small the network sees a frame, and --backbone-scale says it. Leave one out.")
    if options.premultiplied and options.target_bgr is not None and kind != SEQUENCE:
        raise UserError("--premultiplied is about cut-outs, and --target-bgr puts com before a background. Leave one out.")
    if options.size is not None and options.src != PIPE:
        raise UserError(f"--size is of raw frames on stdin, --src -; {options.src} has a size of its own. Leave it out.")
    if options.size is not None:
        size_of(options.size)
    parts_of(options.shard)
    return options


def _value(name: str, about: About, value: Any, kind: str) -> Any:
    if name == "type":
        words = [value] if isinstance(value, str) else value
        return tuple(dict.fromkeys(_word(name, _meant(about, word), about.words_for(kind)) for word in words))
    if about.type is frame_rate:
        try:
            return frame_rate(value)
        except (ValueError, ZeroDivisionError):
            raise UserError(f"{flag_of(name)} is frames a second, such as 24, 23.976 or 24000/1001, not {value}.") from None
    if about.choices:
        return _word(name, value, about.words_for(kind), about.all_words)
    kind_of_number = {int: Integral, float: Real}.get(about.type)
    if kind_of_number and (isinstance(value, bool) or not isinstance(value, kind_of_number)):
        whole = "whole " if about.type is int else ""
        raise UserError(f"{flag_of(name)} is a {whole}number, not {value!r}.")
    if about.least is not None and not (about.least <= value <= about.most and value < float("inf")):
        to = "on" if about.most == float("inf") else f"to {about.most:g}"
        raise UserError(f"{flag_of(name)} is a number from {about.least:g} {to}, not {value}.")
    return value


def _meant(about: About, value: Any) -> Any:
    """The choice that a word stands for; any other value as it is."""
    return about.same.get(value.lower(), value) if isinstance(value, str) else value


def _word(name: str, value: Any, words: tuple, known: tuple = ()) -> Any:
    found = value.lower() if isinstance(value, str) else value
    if found in words:
        return found
    if found in known:
        raise UserError(f"{flag_of(name)} {value} is not for such a source, which takes {', '.join(map(str, words))}.")
    raise UserError(f"unknown {name.replace('_', ' ')} '{value}'.{suggest(value, words)}")


def parts_of(shard: str | None) -> tuple[int, int]:
    """'2/8' -> (2, 8), None -> (1, 1). Raises UserError for all but i/n with 1 <= i <= n."""
    if shard is None:
        return 1, 1
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", shard.strip())
    if not parts or not 1 <= int(parts[1]) <= int(parts[2]):
        raise UserError(f"--shard is i/n, the i-th of n parts, counted from 1, such as 1/4; not '{shard}'.")
    return int(parts[1]), int(parts[2])


def size_of(size: str | None) -> tuple[int, int]:
    """(width, height) of --size. Raises UserError where it is none."""
    parts = re.fullmatch(r"(\d{1,5})[xX*:](\d{1,5})", (size or "").strip())
    if not parts or not int(parts[1]) * int(parts[2]):
        raise UserError(f"--size is WIDTHxHEIGHT of the frames, such as 1920x1080, not {size}.")
    return int(parts[1]), int(parts[2])


def form_values(texts: Mapping[str, Any]) -> dict[str, Any]:
    """{name of an option: its value} of a form's fields of text, {field: text}; empty ones are not given. Raises UserError
    where a number is none; what else is wrong is said by ``checked``."""
    found = {}
    for form, text in texts.items():
        name = FORM[form]
        if not text:
            continue
        try:
            found[name] = tuple(text) if name == "type" else OPTIONS[name].type(text)
        except ValueError:
            raise UserError(f"{form} is a number, not {text}.") from None
    return found


def form_schema(kinds: Iterable[str]) -> dict[str, dict]:
    """The OpenAPI schema of the form fields for sources of ``kinds``: {field: schema}."""
    described = {}
    for form, name in FORM.items():
        about = OPTIONS[name]
        words = [word for kind in kinds if kind in about.kinds for word in about.words_for(kind)]
        words = list(dict.fromkeys([*words, *(about.same if words and name != "type" else ())]))
        if not any(kind in about.kinds for kind in kinds):
            continue
        default = about.default if about.form_default is None else about.form_default
        text = f"{_for(about)}{about.help}" + (f" (default: {default})" if default else "")
        plain = {"type": {int: "integer", float: "number"}.get(about.type, "string"), **({"enum": words} if words else {})}
        if name == "type":
            plain = {"type": "array", "items": plain}
        if about.upload:
            plain = {"oneOf": [{"type": "string", "format": "binary"}, plain]}
            text += f"; as text {about.words}"
        described[form] = {**plain, "description": text}
    return described
