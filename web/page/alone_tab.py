"""The tab of photos whose scene nobody shot: matted by a network that needs the photo alone."""
import gradio as gr

from bgmatting.web.page.parts import photo
from bgmatting.web.page.photos_tab import PhotosTab


class AloneTab(PhotosTab):
    """Builds the tab; arguments as ``PhotosTab``, whose viewer and files it shares."""

    prefix = "alone"

    def build(self):
        """Add the components to the ``gr.Blocks`` around."""
        words = self._words
        gr.Markdown(words["alone_help"])
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                src = photo(words["alone_src"], "alone-src")
            with gr.Column(scale=6, min_width=300):
                shown_here, chosen = self._result(seen=False)
        with gr.Accordion(words["advanced"], open=False):
            bits = gr.Radio([("8", 8), ("16", 16)], value=8, label=words["bits"], info=words["bits_help"],
                            elem_id="alone-bits")
        self._show_when([src, *chosen, bits], shown_here)

    def show(self, src, view, colour, behind, form, bits):
        """As ``PhotosTab.show``, of a photo alone."""
        if not src:
            return self._asked("need_src")
        return self._shown(src, None, view, colour, behind, form, bits, None, "auto", "auto")
