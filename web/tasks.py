"""A form as work: its fields become options, its files a source; both are checked, and the core does the rest."""
from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bgmatting.prediction import core
from bgmatting.prediction.backdrop import BLUR, colour_of
from bgmatting.prediction.network_choice import scene_for
from bgmatting.prediction.options import FORM, PHOTOS, VIDEO, Options, form_values
from bgmatting.prediction.photos.unzip import unpack_photos
from bgmatting.prediction.report import Report
from bgmatting.prediction.source import Source, is_video
from bgmatting.prediction.video.empty_scene import first_frames
from bgmatting.utils.errors import UserError
from bgmatting.utils.isolation import WorkerFailed
from bgmatting.web.limits import UNPACKED, check_frames
from bgmatting.web.refusals import Refused
from bgmatting.web.service import Service
from bgmatting.web.storage import size_of
from bgmatting.web.uploads import Form

FIELDS = (*FORM, "src")   # of text; src, which has to be a file, is told so
FILES = ("src", "bgr", "target", "zip")
LOOK = 1.0    # seconds between two looks at the size of results


class Task(NamedTuple):
    """Work that is ready to be done. source, options: as ``prediction.core.settled`` has them; service: what bounds the
    results; most: frames that are allowed, or None; left_out: lines about what a ZIP holds and is not matted."""
    source: Source
    options: Options
    service: Service
    most: int | None = None
    left_out: tuple = ()

    def run(self, matter: Callable[[], Any], step: Callable[[int, int | None], None] | None = None) -> Report:
        """Do it. matter: () -> the network. step: called with (photos or frames done, in all or None); what it raises ends
        it. Raises UserError as predict.py says it, and Refused where a video has more frames than are allowed, or the
        results are larger."""
        began, looked = time.monotonic(), 0.0

        def counted(done, in_all):
            nonlocal looked
            check_frames(self.source.name, done, self.most)
            if time.monotonic() - looked > LOOK:
                self._check_results()
                looked = time.monotonic()
            if step is not None:
                step(done, in_all)
        report = core.matte(self.source, self.options, lambda _: matter(), counted)
        self._check_results()
        return report._replace(seconds=time.monotonic() - began)  # decoding and writing count too: others wait for them

    def _check_results(self):
        self.service.settings.check_results(size_of(self.options.output))
        self.service.storage.took(0)

    def made(self, matter: Callable[[], Any], step: Callable[[int, int | None], None]) -> tuple[list[Path], list[str]]:
        """([Path], notes) of ``run``, for a job: folders of images are packed. Raises UserError also where no photo could
        be done."""
        report = self.run(matter, step)
        if self.source.kind == VIDEO:
            folders = [path for path in report.paths if path.is_dir()]
            files = [path for path in report.paths if path not in folders]
            return files + ([_packed(folders, Path(self.source.name).stem)] if folders else []), list(report.notes)
        lines = [*self.left_out, *(f"{name}: {reason}" for name, reason in report.failures)]
        if not report.done:
            raise UserError("; ".join(lines[:3]) or "the ZIP holds no photos.")
        lines += report.notes
        text = "".join(line.replace(f"{Path(self.options.src).parent}/", "") + "\n" for line in lines)
        folders = sorted(Path(self.options.output).iterdir())
        return [_packed(folders, "mattes", {"failures.txt": text} if lines else {})], lines


def task_of(form: Form, folder: Path, service: Service, kind: str, alone: bool = False) -> Task:
    """The ``Task`` of a form; its results go to FOLDER/out.

    Args:
        kind: of the source that it has to hold: "photo", "video", or "photos" for a ZIP, which is unpacked into
            FOLDER/src and FOLDER/bgr. alone: of a photo without bgr.
    Raises:
        UserError: something is missing, or holds what is not known. Refused (413): over a limit.
    """
    texts = {name: text for name, text in form.fields.items() if name not in ("src", "bgr", "target")}
    options = Options(bgr=_bgr(form, kind, alone), target_bgr=_target(form), output=str(Path(folder, "out")),
                      **{"type": ("pha", "com") if kind == PHOTOS else ("com",), **form_values(texts)})
    src, most, left_out = Path(folder, "src") if kind == PHOTOS else form.files.get("src"), None, []
    if src is None:
        raise UserError(f"the request needs its src: the {kind} with the subject.")
    source, options = core.settled(Source(src, kind, service.decoding), options, True)
    if kind == PHOTOS:  # only now: wrong fields are said before it is unpacked
        bgr, left_out = _unpacked(form.files["zip"], folder, service)
        source, options = core.settled(source, options, True, bgr=str(bgr))
    else:
        most = _checked(source, service)
    for path in (form.files[name] for name in ("bgr", "target") if name in form.files):
        with Source(path, None, service.decoding) as found:
            _checked(found, service)
    return Task(source, options, service, most, tuple(left_out))


def _bgr(form, kind, alone):
    """bgr as text: the uploaded file, or what a video's may be besides; None for a ZIP, and for a photo alone."""
    given = form.files.get("bgr") or form.fields.get("bgr")
    if kind == PHOTOS and (given or "src" in form.files):
        raise UserError("a ZIP holds its own src and bgr. Leave the others out.")
    if kind == PHOTOS or alone:
        return None
    if not given:
        raise UserError(f"the request needs its bgr: {scene_for(kind)}.")
    if isinstance(given, str) and not (kind == VIDEO and (given == "median" or first_frames(given) is not None)):
        raise UserError(f"bgr is an uploaded photo{' or video, first:N or median' if kind == VIDEO else ''}, not text.")
    return str(given)


def _target(form):
    """The target of com: an uploaded file, a colour or "blur"; None. Never a path that the sender names."""
    if "target" in form.files:
        return str(form.files["target"])
    text = form.fields.get("target") or None
    if text not in (None, BLUR) and colour_of(text) is None:
        raise UserError(f"no such target: {text[:80]}. Upload a photo or video (in curl -F target=@FILE), or give a colour "
                        f"(white, #20c040) or {BLUR}.")
    return text


def _checked(source, service):
    """How many frames it may have, None for a photo. Raises Refused (413) over a limit, UserError for what is neither."""
    if source.kind == VIDEO:
        return service.settings.check_video(source.name, source.reader())
    try:
        return service.settings.check_photo(source.name, service.decoding)
    except (Refused, WorkerFailed):
        raise
    except UserError:
        if is_video(source.name, service.decoding):
            raise UserError(f"{source.name} is a video, not a photo. Videos go to POST /v1/jobs.") from None
        raise


def _unpacked(path, folder, service):
    """(bgr, lines about what is left out) of a ZIP; photos beyond the limits are left out as well."""
    most = UNPACKED * service.settings.max_bytes
    service.storage.took(min(most, UNPACKED * path.stat().st_size))
    for_all, left_out = unpack_photos(path, folder, most)
    for file in sorted(file for name in ("src", "bgr") for file in Path(folder, name).rglob("*") if file.is_file()):
        try:
            service.settings.check_photo(file, service.decoding)
        except (Refused, WorkerFailed) as error:  # too large, or nobody knows how large
            left_out.append(f"{file.relative_to(folder).as_posix()}: {error}")
            file.unlink()
        except UserError:
            pass  # it is one of the failures
    scenes = [file for file in Path(folder, "bgr").rglob("*") if file.is_file()]
    return (scenes[0] if for_all and scenes else Path(folder, "bgr")), left_out


def _packed(folders, name, texts=None):
    """The ZIP NAME.zip of folders, beside the one that they lie in; their files are gone behind it."""
    path = folders[0].parent.parent / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
            archive.write(file, file.relative_to(folders[0].parent).as_posix())
            file.unlink()
        for inside, text in (texts or {}).items():
            archive.writestr(inside, text)
    return path
