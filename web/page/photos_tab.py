"""The tab of photos: a pair, its matte before and after, other backdrops, a file to download."""
import tempfile
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.outputs import SUFFIXES, Outputs, check_format, picture
from bgmatting.utils.files import PROJECT
from bgmatting.web.page.parts import AT_ONCE, CURES, CURES_OF, backdrop_choices, cure_of, fit_settings, message, photo, told
from bgmatting.web.uploads import check_photo

SAMPLE = tuple(str(PROJECT / "image" / "sample" / name) for name in ("src.jpg", "bgr.jpg"))
SHOWN = 1600               # pixels of the longer side of what the page shows
SQUARE, LIGHT, DARK = 12, 250, 215  # of the board that stands for nothing, as gray levels


class PhotosTab:
    """Builds the tab. service, mattes: what it works with; words: of its language."""

    prefix = "photo"  # of the names of its elements

    def __init__(self, service, mattes, words):
        self._service, self._mattes, self._words = service, mattes, words

    def build(self):
        """Add the components to the ``gr.Blocks`` around; returns (function, inputs, outputs) of the page's first matte."""
        words = self._words
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                src, bgr = photo(words["src"], "photo-src"), photo(words["bgr"], "photo-bgr")
                with gr.Row():
                    swap = gr.Button(words["swap"], elem_id="photo-swap", size="sm")
                    sample = gr.Button(words["sample"], elem_id="photo-sample", size="sm")
            with gr.Column(scale=6, min_width=300):
                shown_here, chosen = self._result()
        with gr.Accordion(words["advanced"], open=False, elem_id="photo-advanced"):
            fit, align, exposure = fit_settings(words, "photo")
            bits = gr.Radio([("8", 8), ("16", 16)], value=8, label=words["bits"], info=words["bits_help"],
                            elem_id="photo-bits")
        self._show_when([src, bgr, *chosen, bits, fit, align, exposure], shown_here)
        self._heal(shown_here[3:], (src, bgr, fit, align))
        swap.click(lambda one, other: (other, one), [src, bgr], [src, bgr], **AT_ONCE)
        sample.click(lambda: SAMPLE, None, [src, bgr], **AT_ONCE)
        return (lambda: SAMPLE), None, [src, bgr]

    def _result(self, seen=True):
        """Add the viewer: ([slider, download, message, *buttons of cures], [view, colour, backdrop, file format])."""
        words, prefix = self._words, self.prefix
        told_here = gr.HTML(elem_id=f"{prefix}-message", visible=False)
        with gr.Row(elem_id=f"{prefix}-cures", elem_classes="cures"):
            cures = [gr.Button(words[f"cure_{name}"], visible=False, elem_id=f"{prefix}-cure-{name}", size="sm",
                               variant="primary") for name in CURES]
        slider = gr.ImageSlider(label=words["result"], elem_id=f"{prefix}-result", format="webp", type="numpy",
                                interactive=False, buttons=["fullscreen"], max_height=560, visible=seen)
        view = gr.Radio(backdrop_choices(words), value="cut", label=words["view"], elem_id=f"{prefix}-view")
        colour = gr.ColorPicker(value="#20c040", label=words["pick"], elem_id=f"{prefix}-colour", visible=False)
        behind = photo(words["behind"], f"{prefix}-behind", visible=False)
        with gr.Row(equal_height=True):
            form = gr.Radio([(name.upper(), name) for name in ("png", "webp", "tiff")], value="png",
                            label=words["format"], elem_id=f"{prefix}-format", scale=3)
            download = gr.DownloadButton(words["download"], elem_id=f"{prefix}-download", variant="primary",
                                         interactive=False, scale=2)
        view.change(lambda name: (gr.update(visible=name == "colour"), gr.update(visible=name == "photo")), view,
                    [colour, behind], **AT_ONCE)
        return [slider, download, told_here, *cures], [view, colour, behind, form]

    def _show_when(self, inputs, outputs):
        """Show the result anew when one of ``inputs``, those of ``show``, changes."""
        gr.on([part.change for part in inputs], self.show, inputs, outputs, trigger_mode="always_last",
              **{**AT_ONCE, "show_progress": "minimal"}, show_progress_on=outputs[:1])

    @staticmethod
    def _heal(cures, parts):
        """The buttons under a message do what it advises."""
        src, bgr, fit, align = parts
        for name, button in zip(CURES, cures):
            if name == "swap":
                button.click(lambda one, other: (other, one), [src, bgr], [src, bgr], **AT_ONCE)
            elif name == "align":
                button.click(lambda: "auto", None, align, **AT_ONCE)
            else:
                button.click(lambda name=name: name, None, fit, **AT_ONCE)

    def show(self, src, bgr, view, colour, behind, form, bits, fit, align, exposure):
        """What the page shows of a pair: updates of slider, download, message and the buttons of cures."""
        if not src or not bgr:
            return self._asked("both")
        return self._shown(src, bgr, view, colour, behind, form, bits, fit, align, exposure)

    def _asked(self, name):
        """Updates where something is still to be added."""
        return [*_nothing(), _said(message(self._words[name])), *_hidden()]

    def _shown(self, src, bgr, view, colour, behind, form, bits, fit, align, exposure):
        words, notes, paths = self._words, [], (src, bgr, behind)
        try:
            for path in filter(None, (src, bgr)):
                check_photo(path, self._service.settings)
            matted = self._mattes.get(src, bgr, fit or None, align, exposure, bits)
            notes = matted.pair.notes
            before, after, file = self._made(matted, Path(src).stem, view, self._backdrop(view, colour, behind), form, bits)
        except Exception as error:
            cure = cure_of(error, notes)
            said = message(told(error, paths), "error", words[f"say_{cure}" if cure else "failed"])
            return [*_nothing(), _said(said), *_hidden(cure)]
        cure = cure_of(None, notes)
        lines = "\n".join(told_note(note, paths) for note in notes)
        text = message(lines, "note", words[f"say_{cure}" if cure else "noted"])
        return [gr.update(value=(before, after), visible=True), gr.update(value=file, interactive=True),
                _said(text if notes else ""), *_hidden(cure)]

    def _backdrop(self, view, colour, behind):
        """What com is set before; None for a cut-out, and for the alpha."""
        if view == "photo" and behind:
            check_photo(behind, self._service.settings)
            return open_backdrop(behind)
        return {"colour": lambda: open_backdrop(css_colour(colour)), "blur": lambda: open_backdrop("blur")}.get(
            view, lambda: None)()

    def _made(self, matted, name, view, backdrop, form, bits):
        """(photo, result, path of the file), the first two small enough to be shown."""
        kind = "pha" if view == "alpha" else "com"
        check_format(form, bits, (kind,), backdrop is not None)
        outputs = Outputs(bits, backdrop)
        pair = matted.pair
        behind = outputs.background(0, pair.src, pair.bgr) if kind == "com" else None
        deep = behind if pair.deep is None or behind is None else outputs.background(0, pair.deep, pair.bgr)
        path = Path(tempfile.mkdtemp(dir=self._service.workplace.page), f"{name}_{kind}{SUFFIXES[form]}")
        outputs.write({kind: path}, matted.matte, deep)
        return small(pair.src), shown(picture(matted.matte, kind, 8, behind)), str(path)


def told_note(note, paths):
    """A note without folders of this machine."""
    for path in paths:
        if path:
            note = note.replace(f"{Path(path).parent}/", "")
    return note


def css_colour(text):
    """What a colour picker gives, as CSS colours that every part understands: rgba(1.2, 3, 4, 1) is rounded."""
    if not str(text).startswith("rgba"):
        return text or "white"
    red, green, blue = (round(float(part)) for part in text[5:-1].split(",")[:3])
    return f"rgb({red}, {green}, {blue})"


def small(image):
    """uint8 (H, W[, C]) with at most SHOWN pixels on its longer side."""
    scale = SHOWN / max(image.shape[:2])
    return image if scale >= 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def shown(image):
    """A result as RGB: gray as it is, a cut-out before a board of squares."""
    image = small(image)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return image
    rows, columns = (np.arange(side) // SQUARE for side in image.shape[:2])
    board = np.where((rows[:, None] + columns) % 2, DARK, LIGHT).astype(np.float32)[..., None]
    share = image[..., 3:].astype(np.float32) / 255
    return np.rint(image[..., :3] * share + board * (1 - share)).astype(np.uint8)


def _nothing():
    """Updates of slider and download without a matte. Gradio's empty slider has a label that screen readers may not say."""
    return gr.update(value=None, visible=False), gr.update(value=None, interactive=False)


def _said(text):
    """Update of the message: an empty one takes no room."""
    return gr.update(value=text, visible=bool(text))


def _hidden(cure=None):
    """Updates of the buttons: those of ``cure`` are seen."""
    return [gr.update(visible=name in CURES_OF.get(cure, ())) for name in CURES]
