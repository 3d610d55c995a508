"""The tab of the camera. What it does is in camera.js, and in ``web.camera`` on the server."""
from html import escape

import gradio as gr

STATES = ("waiting", "countdown", "capturing", "matting")


def build(words: dict[str, str]) -> None:
    """Add the tab's part to the ``gr.Blocks`` around."""
    gr.HTML(panel(words), elem_id="camera-tab")


def panel(words: dict[str, str]) -> str:
    """HTML of the tab."""
    data = {**{state: words[state] for state in STATES}, "denied": words["camera_denied"]}
    attributes = " ".join(f'data-{name}="{escape(text)}"' for name, text in data.items())
    return f"""<div id="camera-panel" {attributes}>
<p>{escape(words["camera_help"])}</p>
<div class="camera-bar"><button id="camera-start" class="first">{escape(words["camera_start"])}</button>
<button id="camera-take" disabled>{escape(words["camera_take"])}</button>
<button id="camera-behind" disabled>{escape(words["camera_behind"])}</button>
<button id="camera-stop" disabled>{escape(words["camera_stop"])}</button></div>
<p id="camera-message" role="status" aria-live="polite"></p>
<div class="camera"><figure><figcaption>{escape(words["camera_in"])}</figcaption>
<video id="camera-in" muted playsinline aria-label="{escape(words["camera_in"])}"></video></figure>
<figure><figcaption>{escape(words["camera_out"])}</figcaption>
<canvas id="camera-out" role="img" aria-label="{escape(words["camera_out"])}"></canvas></figure></div></div>"""
