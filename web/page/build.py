"""All tabs put together in each language, and added to the server."""
import os
from pathlib import Path

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from bgmatting.web.jobs import Jobs
from bgmatting.web.page import camera_tab
from bgmatting.web.page.components import AT_ONCE
from bgmatting.web.page.gate import Gate
from bgmatting.web.page.matte_cache import MatteCache
from bgmatting.web.page.photos_tab import SAMPLE, AloneTab, PhotosTab
from bgmatting.web.page.texts import LANGUAGES, language_of, words
from bgmatting.web.page.work_tabs import ManyTab, VideoTab
from bgmatting.web.service import Service

HERE = Path(__file__).parent
FONTS = ["system-ui", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"]  # of the machine, none fetched
MONO = ["ui-monospace", "monospace"]
HEAD = '<script src="../page/camera.js" defer></script>'
LANGUAGE = "() => {{ document.documentElement.lang = '{}'; document.title = '{}'; }}"
ICON = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#1d4ed8" d="M0 0h8v16H0z"/>'
        '<circle cx="8" cy="8" r="5" fill="#f59e0b"/></svg>')
CODES = {"en": "en", "zh": "zh-CN"}


def add_page(app: FastAPI, service: Service, jobs: Jobs) -> Gate:
    """The ASGI application with the page in all languages."""
    os.environ["GRADIO_TEMP_DIR"] = str(service.storage.page)  # Gradio asks nobody else where uploads go
    cache = MatteCache()

    @app.get("/", include_in_schema=False)
    def front(request: Request):
        language = language_of(request.headers.get("accept-language"))
        return RedirectResponse(f"{request.scope.get('root_path', '')}/{language}/", 307, {"Vary": "Accept-Language"})

    @app.get("/page/camera.js", include_in_schema=False)
    def script():
        return FileResponse(HERE / "camera.js", media_type="text/javascript")

    @app.get("/favicon.ico", include_in_schema=False)
    def icon():
        return Response(ICON, media_type="image/svg+xml")

    samples = [str(Path(SAMPLE[0]).parent)]  # uploads are not among these: Gradio would show what it should have downloaded
    css = (HERE / "style.css").read_text(encoding="utf-8")
    for language in LANGUAGES:
        blocks = page(service, cache, jobs, language)
        blocks.has_launched = True  # or Gradio would not check which files an event may name (6.31, an inner attribute)
        app = gr.mount_gradio_app(
            app, blocks, f"/{language}", root_path="", theme=theme(), css=css, head=HEAD, allowed_paths=samples,
            js=LANGUAGE.format(CODES[language], words(language)["title"]), footer_links=[], run_history=False,
            ssr_mode=False, mcp_server=False, pwa=False, enable_monitoring=False, show_error=False,
            max_file_size=service.settings.max_bytes)
    return Gate(app, service.storage.page, tuple(f"/{language}" for language in LANGUAGES))


def theme() -> gr.themes.Base:
    """Gradio's plain one, with fonts that are there."""
    seen = {"button_primary_background_fill": "#1d4ed8", "button_primary_background_fill_hover": "#1e40af",
            "button_primary_text_color": "white", "block_info_text_color": "#4b5563"}  # contrasts that can be read
    dark = {f"{name}_dark": colour for name, colour in seen.items()} | {"block_info_text_color_dark": "#c9d2de"}
    return gr.themes.Default(font=FONTS, font_mono=MONO, primary_hue="blue").set(**seen, **dark)


def page(service: Service, cache: MatteCache, jobs: Jobs, language: str) -> gr.Blocks:
    """The ``gr.Blocks`` of one language."""
    said = words(language)
    limits = service.settings
    with gr.Blocks(analytics_enabled=False, title=said["title"]) as blocks:
        bounds = said["limits"].format(pixels=limits.max_pixels / 1e6, mib=limits.max_mib, seconds=limits.max_seconds)
        gr.HTML(f'<div class="head"><h1>{said["title"]}</h1><span>{said["other"]}</span></div>'
                f'<p>{said["intro"]} {bounds}</p>')
        with gr.Tabs():
            with gr.Tab(said["photos"], id="photos"):
                first = PhotosTab(service, cache, said).build()
            if service.has_alone:
                with gr.Tab(said["alone"], id="alone"):
                    AloneTab(service, cache, said).build()
            with gr.Tab(said["video"], id="video"):
                VideoTab(service, jobs, said).build()
            with gr.Tab(said["camera"], id="camera", render_children=True):
                camera_tab.build(said)
            with gr.Tab(said["many"], id="many"):
                ManyTab(service, jobs, said).build()
        blocks.load(*first, **AT_ONCE)
    return blocks.queue(max_size=64, api_open=False)
