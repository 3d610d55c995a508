"""The tabs of photos, of a pair or one without its scene: before and after, other backdrops, a file to download."""
from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from bgmatting.media.reading import read_stored
from bgmatting.prediction.options import OPTIONS, PHOTO
from bgmatting.prediction.source import SAMPLE
from bgmatting.web.inspection import small, small_photo
from bgmatting.web.page.components import (
    AT_ONCE,
    CURES,
    CURES_OF,
    cure_of,
    fit_settings,
    message,
    photo,
    told,
    view_settings,
)
from bgmatting.web.page.matte_cache import CachedMatter, MatteCache
from bgmatting.web.refusals import without_places
from bgmatting.web.service import Service
from bgmatting.web.tasks import task_of
from bgmatting.web.uploads import Form

SQUARE, LIGHT, DARK = 12, 250, 215  # of the board that stands for nothing, as gray levels


class PhotosTab:
    """Builds the tab. words: of its language."""

    prefix = "photo"  # of the names of its elements

    def __init__(self, service: Service, cache: MatteCache, words: dict[str, str]) -> None:
        self._service, self._cache, self._words = service, cache, words

    def build(self) -> tuple[Callable, None, list[gr.Image]]:
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
            bits = self._bits()
        self._show_when([src, bgr, *chosen, bits, fit, align, exposure], shown_here)
        cures = dict(zip(CURES, shown_here[3:]))
        for button in (swap, cures["swap"]):
            button.click(lambda one, other: (other, one), [src, bgr], [src, bgr], **AT_ONCE)
        for name, value, part in (("align", "auto", align), ("resize", "resize", fit), ("crop", "crop", fit)):
            cures[name].click(lambda value=value: value, None, part, **AT_ONCE)
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
        view, colour, behind = view_settings(words, prefix)
        with gr.Row(equal_height=True):
            form = gr.Radio([(name.upper(), name) for name in ("png", "webp", "tiff")], value="png",
                            label=words["format"], elem_id=f"{prefix}-format", scale=3)
            download = gr.DownloadButton(words["download"], elem_id=f"{prefix}-download", variant="primary",
                                         interactive=False, scale=2)
        return [slider, download, told_here, *cures], [view, colour, behind, form]

    def _bits(self):
        words = self._words
        return gr.Radio([(str(bits), bits) for bits in OPTIONS["bit_depth"].choices], value=8, label=words["bits"],
                        info=words["bits_help"], elem_id=f"{self.prefix}-bits")

    def _show_when(self, inputs, outputs):
        """Show the result anew when one of ``inputs``, those of ``show``, changes."""
        gr.on([part.change for part in inputs], self.show, inputs, outputs, trigger_mode="always_last",
              **{**AT_ONCE, "show_progress": "minimal"}, show_progress_on=outputs[:1])

    def show(self, src: str | None, bgr: str | None, view: str, colour: str, behind: str | None, form: str, bits: int,
             fit: str, align: str, exposure: str) -> list[dict[str, Any]]:
        """The page's view of a pair: updates of slider, download, message and the buttons of cures."""
        if not src or not bgr:
            return self._asked("both")
        fields = {"format": form, "bit_depth": str(bits), "fit": fit, "align": align, "exposure": exposure}
        return self._shown(src, bgr, view, colour, behind, fields)

    def _asked(self, name):
        """Updates where something is still to be added."""
        return _updates(None, message(self._words[name]))

    def _shown(self, src, bgr, view, colour, behind, fields):
        words, paths = self._words, (src, bgr, behind)
        try:
            path, notes = self._made(src, bgr, {**fields, **view_fields(view, colour)}, behind if view == "photo" else None)
            before, after = self._service.decoding.call(small_photo, src), shown(read_stored(path))
        except Exception as error:
            cure = cure_of(error, ())
            return _updates(None, message(told(error, paths), "error", words[f"say_{cure}" if cure else "failed"]), cure)
        cure = cure_of(None, notes)
        lines = "\n".join(without_places(note, [Path(path).parent for path in paths if path]) for note in notes)
        text = message(lines, "note", words[f"say_{cure}" if cure else "noted"])
        return _updates(((before, after), str(path)), text if notes else "", cure)

    def _made(self, src, bgr, fields, behind):
        """(path of the image, remarks): what predict.py makes, in line with all other photos."""
        service = self._service
        files = {name: Path(path) for name, path in (("src", src), ("bgr", bgr), ("target", behind)) if path}
        folder = Path(tempfile.mkdtemp(dir=service.storage.page))
        task = task_of(Form(fields, files), folder, service, PHOTO, alone=bgr is None)
        opened = service.alone if bgr is None else service.matter
        report = service.photos.submit(task.run, lambda: CachedMatter(opened(), self._cache)).result()
        return report.paths[0], report.notes


class AloneTab(PhotosTab):
    """The tab of photos whose scene nobody shot: matted by a network that needs the photo alone."""

    prefix = "alone"

    def build(self) -> None:
        """Add the components to the ``gr.Blocks`` around."""
        words = self._words
        gr.Markdown(words["alone_help"])
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                src = photo(words["alone_src"], "alone-src")
            with gr.Column(scale=6, min_width=300):
                shown_here, chosen = self._result(seen=False)
        with gr.Accordion(words["advanced"], open=False):
            bits = self._bits()
        self._show_when([src, *chosen, bits], shown_here)

    def show(self, src: str | None, view: str, colour: str, behind: str | None, form: str,
             bits: int) -> list[dict[str, Any]]:
        """As ``PhotosTab.show``, of a photo alone."""
        if not src:
            return self._asked("need_src")
        return self._shown(src, None, view, colour, behind, {"format": form, "bit_depth": str(bits)})


def view_fields(view: str, colour: str) -> dict[str, Any]:
    """The form fields for what is to be shown, as ``view_settings`` has it."""
    target = {"colour": css_colour(colour), "blur": "blur"}.get(view)
    return {"type": ["pha" if view == "alpha" else "com"], **({} if target is None else {"target": target})}


def css_colour(text: str | None) -> str:
    """The colours of a colour picker, as CSS colours that every part understands: rgba(1.2, 3, 4, 1) is rounded."""
    if not str(text).startswith("rgba"):
        return text or "white"
    red, green, blue = (round(float(part)) for part in text[5:-1].split(",")[:3])
    return f"rgb({red}, {green}, {blue})"


def shown(image: np.ndarray) -> np.ndarray:
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


def _updates(made, text, cure=None):
    """Of slider, download, message and the buttons of cures. made: (what the slider shows, path of the file), or None.

    Gradio's empty slider has a label that screen readers may not say, and an empty message takes room: both are hidden.
    """
    shown, path = made or (None, None)
    return [gr.update(value=shown, visible=made is not None), gr.update(value=path, interactive=made is not None),
            gr.update(value=text, visible=bool(text)),
            *(gr.update(visible=name in CURES_OF.get(cure, ())) for name in CURES)]
