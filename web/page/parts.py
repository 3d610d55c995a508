"""Parts of the page that several tabs use."""
from html import escape
from pathlib import Path

import gradio as gr

from bgmatting.prediction.alignment.fitter import MOVED, OTHER_SCENE
from bgmatting.prediction.sizes import FITS, SizesDiffer
from bgmatting.web.refusals import Refused, refusal

CURES = ("resize", "crop", "align", "swap")
# Of events that answer once. Gradio's queue would send their answers through a stream that it closes when nothing is under
# way, and a click that reaches the server while the browser has not seen it close yet would never be answered.
AT_ONCE = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
CURES_OF = {"resize": ("resize", "crop"), "swap": ("swap",), "align": ("align",)}


def photo(label, elem_id, visible=True):
    """A component for a photo: dropped, pasted, chosen, or taken with a webcam. It hands on the file that was uploaded,
    to the bit, whatever it is: predict's words say what is wrong with it."""
    made = gr.Image(label=label, elem_id=elem_id, type="filepath", image_mode=None, height=260, visible=visible,
                    sources=["upload", "webcam", "clipboard"], webcam_options=gr.WebcamOptions(mirror=False),
                    buttons=["fullscreen"])
    usual = made.preprocess

    def preprocess(payload):
        uploaded = payload is not None and payload.path is not None and not (payload.url or "").startswith("data:")
        return payload.path if uploaded else usual(payload)

    made.preprocess = preprocess  # a subclass would have Gradio write a file beside this one
    return made


def backdrop_choices(words):
    """[(label, view)] of what com is set before."""
    return [(words[name], name) for name in ("cut", "alpha", "colour", "photo", "blur")]


def fit_settings(words, prefix):
    """(fit, align, exposure): the components of a folded part of the page."""
    fit = gr.Radio([(words["fit_none"], ""), *((words[name], name) for name in FITS)], value="", label=words["fit"],
                   info=words["fit_help"], elem_id=f"{prefix}-fit")
    align = gr.Radio([(words[name], name) for name in ("auto", "homography", "off")], value="auto", label=words["align"],
                     info=words["align_help"], elem_id=f"{prefix}-align")
    exposure = gr.Radio([(words[name], name) for name in ("auto", "off")], value="auto", label=words["exposure"],
                        info=words["exposure_help"], elem_id=f"{prefix}-exposure")
    return fit, align, exposure


def cure_of(error, notes):
    """Which kind of cure ("resize", "swap", "align") an error or its notes call for; None where none is known."""
    if isinstance(error, SizesDiffer):
        return "resize"
    if any(note.startswith(OTHER_SCENE) for note in notes):
        return "swap"
    return "align" if any(note.startswith(MOVED) for note in notes) else None


def message(text, kind="note", lead=""):
    """HTML of a line that a screen reader says at once."""
    lead = f"<strong>{escape(lead)}</strong><br>" if lead else ""
    return f'<div class="message {kind}" role="{"alert" if kind == "error" else "status"}">{lead}{escape(text)}</div>'


def told(error, paths):
    """An error's line, without folders of this machine. paths: of the request's files."""
    refused = error if isinstance(error, Refused) else refusal(error, [])
    text = str(refused)
    for path in paths:
        if path:
            text = text.replace(f"{Path(path).parent}/", "")
    if refused.status == 500:
        import traceback
        traceback.print_exception(type(error), error, error.__traceback__)
    return text
