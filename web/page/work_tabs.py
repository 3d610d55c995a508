"""The tabs of videos and of many photos: work that takes minutes, with its progress, an end before time, and a result."""
from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote

import gradio as gr

from bgmatting.prediction.options import OPTIONS, PHOTOS, VIDEO
from bgmatting.web import tasks
from bgmatting.web.connections import client_key
from bgmatting.web.jobs import CANCELLED, ENDED, FAILED, QUEUED, Jobs
from bgmatting.web.page.components import AT_ONCE, fit_settings, message, told, view_settings
from bgmatting.web.page.photos_tab import view_fields
from bgmatting.web.refusals import without_places
from bgmatting.web.service import Service
from bgmatting.web.uploads import Form

POLL = 0.4  # seconds between two looks at a job


class WorkTab:
    """Common part of both tabs."""

    def __init__(self, service: Service, jobs: Jobs, words: dict[str, str]) -> None:
        self._service, self._jobs, self._words = service, jobs, words

    def _controls(self, prefix):
        """(button that starts, button that cancels, progress, result): the components on the right."""
        words = self._words
        with gr.Row():
            start = gr.Button(words["start"], variant="primary", elem_id=f"{prefix}-start")
            cancel = gr.Button(words["cancel"], elem_id=f"{prefix}-cancel")
        return start, cancel, gr.HTML(elem_id=f"{prefix}-progress"), gr.HTML(elem_id=f"{prefix}-result")

    def _wire(self, controls, inputs):
        """Have the ``_controls`` run ``self.run`` on ``inputs``, and end it."""
        (start, cancel, progress, result), key = controls, gr.State(None)
        start.click(self.run, inputs, [progress, result, key], api_visibility="private", show_progress="hidden",
                    concurrency_limit=self._service.settings.queue + 1)
        cancel.click(self.cancel, key, None, **AT_ONCE)

    def _follow(self, form, kind, request):
        """Begin a job of a source of ``kind`` and tell how far it is: yields (HTML of the progress, HTML of the result, id
        of the job or None). form: its files are the page's."""
        folder, job = self._service.storage.folder(), None
        try:
            files = {}
            for name, path in form.files.items():  # the page's own go while a job takes its time
                (folder / name).mkdir()
                files[name] = Path(shutil.copy(path, folder / name / Path(path).name))
            task = tasks.task_of(Form(form.fields, files), folder, self._service, kind)
            job = self._jobs.begin(folder, lambda progress: task.made(self._service.matter, progress),
                                   client_key(request.client))
            while job.state not in ENDED:
                yield self._progress(job), "", job.id
                time.sleep(POLL)
        except Exception as error:
            if job is None:
                self._service.storage.remove(folder)
            yield message(without_places(told(error, form.files.values()), [folder]), "error",
                          self._words["failed"]), "", None
            return
        if job.state == FAILED:
            yield message(str(job.error), "error", self._words["failed"]), "", None
        elif job.state == CANCELLED:
            yield message(self._words["cancelled"]), "", None
        else:
            yield message(self._words["done"]), self._result(job), None

    def _progress(self, job):
        words = self._words
        if job.state == QUEUED or job.in_all is None and not job.done:
            return message(words["queued" if job.state == QUEUED else "running"] + " …")
        count = words[self.counted if job.in_all else "frames_open"].format(done=job.done, all=job.in_all)
        left = job.seconds_left
        text = count + ("" if left is None else f", {words['left'].format(left=round(left))}")
        value = job.done if job.in_all else 0
        bar = f'<progress max="{job.in_all or 1}" value="{value}" aria-label="{escape(count)}"></progress>'
        return f'<div class="message note" role="status">{bar} {escape(text)}</div>'

    def cancel(self, key: str | None) -> None:
        """End the job of this page."""
        if key:
            self._jobs.drop(key)

    def _downloads(self, job):
        """Links to the files of a job, through the API."""
        links = (f'<a class="download" href="{_address(job, path)}" download="{escape(path.name)}">'
                 f'{self._words["download"]} {escape(path.name)}</a>' for path in job.files)
        return f'<p class="downloads">{" ".join(links)}</p>'

    def _remarks(self, job):
        if not job.notes:
            return ""
        lines = "".join(f"<li>{escape(without_places(note, [job.folder]))}</li>" for note in job.notes)
        return f'<h3>{self._words["remarks"]}</h3><ul class="remarks">{lines}</ul>'


class VideoTab(WorkTab):
    """The tab of videos."""

    counted = "frames"

    def build(self) -> None:
        """Add the components to the ``gr.Blocks`` around."""
        words = self._words
        with gr.Row():
            with gr.Column(scale=5, min_width=280):
                clip = gr.Video(label=words["clip"], sources=["upload"], elem_id="video-src", height=260)
                kind = gr.Radio([(words[f"plate_{name}"], name) for name in ("file", "first", "median")],
                                value="file", label=words["plate_kind"], elem_id="video-plate-kind")
                plate = gr.File(label=words["plate"], file_types=["image", "video"], elem_id="video-plate", height=170)
                count = gr.Number(value=30, precision=0, minimum=1, label=words["count"], visible=False,
                                  elem_id="video-count")
                view, colour, behind = view_settings(words, "video")
                form = gr.Radio([(words[name], name) for name in ("webm", "mov", "mp4")], value="webm",
                                label=words["format"], elem_id="video-format")
                with gr.Accordion(words["advanced"], open=False):
                    fit, align, exposure = fit_settings(words, "video")
                    temporal = gr.Checkbox(label=words["temporal"], info=words["temporal_help"], elem_id="video-temporal")
            with gr.Column(scale=5, min_width=280):
                controls = self._controls("video")
        kind.change(lambda name: (gr.update(visible=name == "file"), gr.update(visible=name == "first")), kind,
                    [plate, count], **AT_ONCE)
        self._wire(controls, [clip, kind, plate, count, view, colour, behind, form, fit, align, exposure, temporal])

    def run(self, clip: str | None, kind: str, plate: str | None, count: float | None, view: str, colour: str,
            behind: str | None, form: str, fit: str, align: str, exposure: str, temporal: bool,
            request: gr.Request) -> Iterator[tuple[str, str, str | None]]:
        """Matte a video; yields as ``_follow``."""
        if not clip or kind == "file" and not plate:
            yield message(self._words["need_plate" if clip else "need_clip"], "error"), "", None
            return
        fields = {"format": form, "fit": fit, "align": align, "exposure": exposure, "temporal": "on" if temporal else "off",
                  **view_fields(view, colour)}
        files = {"src": clip, **({"bgr": plate} if kind == "file" else {}),
                 **({"target": behind} if view == "photo" and behind else {})}
        if kind != "file":
            fields["bgr"] = "median" if kind == "median" else f"first:{int(count or 0)}"
        yield from self._follow(Form(fields, files), VIDEO, request)

    def _result(self, job):
        """The video to play, where browsers do; links; remarks."""
        playable = [path for path in job.files if path.suffix in (".mp4", ".webm")]
        html = ""
        if playable:
            html = (f'<video controls loop playsinline class="board" src="{_address(job, playable[0])}" '
                    f'aria-label="{escape(playable[0].name)}"></video>')
        elif job.files:
            html = f'<p>{self._words["no_player"]}</p>'
        return html + self._downloads(job) + self._remarks(job)


class ManyTab(WorkTab):
    """The tab of ZIPs."""

    counted = "items"

    def build(self) -> None:
        """Add the components to the ``gr.Blocks`` around."""
        words = self._words
        gr.Markdown(words["zip_help"])
        with gr.Row():
            with gr.Column(scale=5, min_width=280):
                packed = gr.File(label=words["zip"], file_types=[".zip"], elem_id="many-zip", height=170)
                types = gr.CheckboxGroup(list(OPTIONS["type"].choices), value=["pha", "com"], label=words["what"],
                                         elem_id="many-types")
                form = gr.Radio([(name.upper(), name) for name in ("png", "webp", "tiff")], value="png",
                                label=words["format"], elem_id="many-format")
                with gr.Accordion(words["advanced"], open=False):
                    fit, align, exposure = fit_settings(words, "many")
            with gr.Column(scale=5, min_width=280):
                controls = self._controls("many")
        self._wire(controls, [packed, types, form, fit, align, exposure])

    def run(self, packed: str | None, types: list[str], form: str, fit: str, align: str, exposure: str,
            request: gr.Request) -> Iterator[tuple[str, str, str | None]]:
        """Matte the photos of a ZIP; yields as ``_follow``."""
        if not packed:
            yield message(self._words["need_zip"], "error"), "", None
            return
        fields = {"type": types, "format": form, "fit": fit, "align": align, "exposure": exposure}
        yield from self._follow(Form(fields, {"zip": packed}), PHOTOS, request)

    def _result(self, job):
        return self._downloads(job) + self._remarks(job)


def _address(job, path):
    """Where a file of a job is fetched from, as an attribute of HTML."""
    return escape(f"../v1/jobs/{job.id}/result?name={quote(path.name)}")
