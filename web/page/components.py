"""Parts of the page that several tabs use."""
from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

import gradio as gr

from bgmatting.media.alignment.camera_motion import MOVED, OTHER_SCENE
from bgmatting.prediction.options import OPTIONS
from bgmatting.prediction.sizes import SizesDiffer
from bgmatting.web.refusals import refusal

CURES = ("resize", "crop", "align", "swap")
# Of events that answer once. Gradio's queue would send their answers through a stream that it closes when nothing is under
# way, and a click that reaches the server while the browser has not seen it close yet would never be answered.
AT_ONCE = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
CURES_OF = {"resize": ("resize", "crop"), "swap": ("swap",), "align": ("align",)}


def photo(label: str, elem_id: str, visible: bool = True) -> gr.Image:
    """A component for a photo: dropped, pasted, chosen, or taken with a webcam. It hands on the file that was uploaded,
    to the bit, whatever it is: predict's words say what is wrong with it."""
    made = gr.Image(label=label, elem_id=elem_id, type="filepath", image_mode=None, height=260, visible=visible,
                    sources=["upload", "webcam", "clipboard"], webcam_options=gr.WebcamOptions(mirror=False),
                    buttons=["fullscreen"])
    # Gradio would decode it in this process; a subclass would have it write a file beside this one
    made.preprocess = lambda payload: None if payload is None else payload.path
    return made


def view_settings(words: dict[str, str], prefix: str) -> tuple[gr.Radio, gr.ColorPicker, gr.Image]:
    """(view, colour, photo): what com is set before; the latter two are seen where the first asks for them."""
    view = gr.Radio([(words[name], name) for name in ("cut", "alpha", "colour", "photo", "blur")], value="cut",
                    label=words["view"], elem_id=f"{prefix}-view")
    colour = gr.ColorPicker(value="#20c040", label=words["pick"], visible=False, elem_id=f"{prefix}-colour")
    behind = photo(words["behind"], f"{prefix}-behind", visible=False)
    view.change(lambda name: (gr.update(visible=name == "colour"), gr.update(visible=name == "photo")), view,
                [colour, behind], **AT_ONCE)
    return view, colour, behind


def fit_settings(words: dict[str, str], prefix: str) -> tuple[gr.Radio, ...]:
    """(fit, align, exposure): the components of a folded part of the page."""
    made = []
    for name, more in (("fit", [(words["fit_none"], "")]), ("align", []), ("exposure", [])):
        made.append(gr.Radio([*more, *((words[word], word) for word in OPTIONS[name].choices)], value="" if more else "auto",
                             label=words[name], info=words[f"{name}_help"], elem_id=f"{prefix}-{name}"))
    return tuple(made)


def cure_of(error: Exception | None, notes: Iterable[str]) -> str | None:
    """Return which kind of cure ("resize", "swap", "align") an error or its notes call for; None where none is known."""
    if isinstance(error, SizesDiffer):
        return "resize"
    if any(note.startswith(OTHER_SCENE) for note in notes):
        return "swap"
    return "align" if any(note.startswith(MOVED) for note in notes) else None


def message(text: str, kind: str = "note", lead: str = "") -> str:
    """HTML of a line that a screen reader says at once."""
    lead = f"<strong>{escape(lead)}</strong><br>" if lead else ""
    return f'<div class="message {kind}" role="{"alert" if kind == "error" else "status"}">{lead}{escape(text)}</div>'


def told(error: Exception, paths: Iterable[str | Path | None]) -> str:
    """An error's line, without folders of this machine. paths: of the request's files."""
    return str(refusal(error, [Path(path).parent for path in paths if path]))
