"""Every option that HTTP offers, beside every kind of source: the bytes of predict.py, or its refusal."""
import io
import re
import zipfile
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import read_image, write_image
from bgmatting.media.decoding import HERE
from bgmatting.prediction import core
from bgmatting.prediction.options import (
    FORM,
    HTTP,
    HTTP_NAMES,
    KINDS,
    OPTIONS,
    PAGE,
    PHOTO,
    PHOTOS,
    VIDEO,
    flag_of,
    form_schema,
)
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from tests.media.video.clips import make_clip
from tests.web.conftest import ended, opened

SIZE = 64, 48   # of photos and frames
FRAMES = 3
# Values of each option: as a form has them, and as the command line has them where that differs.
VALUES = {
    "bgr": ["median", "first:2", "@bgr.png", "@bgr.mp4"], "type": ["pha", "com", "fgr", "err", "alp"],
    "target_bgr": ["white", "blur", "@behind.png", "@blob"], "format": ["png", "webp", "tiff", "mov", "mp4", "WebM", "jpg"],
    "bit_depth": ["8", "16"], "fit": ["resize", "crop"], "align": ["off", "homography"], "exposure": ["off"],
    "temporal": ["on", "off", "flow", "ofd"], "fps": ["0", "30"], "crop": ["0", "9"]}
NEEDS = {"mp4": {"type": "pha"}, "jpg": {"type": "pha"}, "8": {"type": "pha"}, "16": {"type": "pha"}}  # besides
PHOTO_FORMATS = "png", "webp", "tiff", "jpg"
FORMATS = {PHOTO: PHOTO_FORMATS, PHOTOS: PHOTO_FORMATS, VIDEO: ("png", "mov", "mp4", "WebM")}
ONCE = {PHOTOS: VALUES, VIDEO: ("type", "bit_depth", "fit", "align", "crop")}  # one photo has tried all their values
CASES = [(kind, name, value) for kind in (PHOTO, PHOTOS, VIDEO) for name in VALUES
         for value in VALUES[name][:1 if name in ONCE.get(kind, ()) else None]]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """src.png, bgr.png, clip.mp4 and what they may be put before, small; set/src and set/bgr, and the same in set.zip."""
    folder = tmp_path_factory.mktemp("home")
    src, bgr = (cv2.resize(read_image(PROJECT / "image" / "sample" / f"{name}.jpg"), SIZE, interpolation=cv2.INTER_AREA)
                for name in ("src", "bgr"))
    bgr = np.clip(bgr * 0.97, 0, 255).astype(np.uint8)  # other light, so that exposure does something
    for name, image in (("src", src), ("bgr", bgr), ("behind", np.roll(bgr, 7, 1)), ("small", bgr[:48]),
                        ("set/src/a", src), ("set/src/b", np.roll(src, 5, 1)), ("set/bgr/a", bgr), ("set/bgr/b", bgr),
                        ("sizes/src/a", src), ("sizes/bgr/a", bgr[:48])):
        write_image(folder / f"{name}.png", image)
    rng = np.random.default_rng(0)
    shots = [np.clip(np.roll(src, number, 1) + rng.normal(0, 3, src.shape), 0, 255).astype(np.uint8)
             for number in range(FRAMES)]
    make_clip(folder / "clip.mp4", images=shots)
    make_clip(folder / "bgr.mp4", images=[bgr] * FRAMES)
    make_clip(folder / "blob.mp4", images=[np.roll(bgr, 9 * number, 0) for number in range(3)])
    (folder / "blob.mp4").rename(folder / "blob")
    for name in ("set", "sizes"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path in sorted((folder / name).rglob("*.png")):
                archive.write(path, path.relative_to(folder / name).as_posix())
    return folder


@pytest.fixture(scope="module")
def matter():
    """The starter weights, opened once for all."""
    from bgmatting.model import Matter
    with Matter(device="cpu") as matter, pytest.MonkeyPatch.context() as patch:
        patch.setattr("bgmatting.prediction.video.pipeline.at_once", lambda: 1)  # or engines are made anew for each video
        yield matter


@pytest.fixture(scope="module")
def client(matter, decoding):
    with opened(matter, decoding) as client:
        yield client


def served(client, home, kind, fields, files):
    """({name: bytes} of what the server makes, None), or (None, its message)."""
    data = {name: value for name, value in fields.items() if not value.startswith("@")}
    files = {**files, **{name: value[1:] for name, value in fields.items() if value.startswith("@")}}
    files = {name: (Path(path).name, (home / path).read_bytes()) for name, path in files.items()}
    answer = client.post("/v1/mattes" if kind == PHOTO else "/v1/jobs", files=files, data=data)
    if answer.status_code == 202:
        key = answer.json()["id"]
        ended(client, key)
        answer = client.get(f"/v1/jobs/{key}/result")
        client.delete(f"/v1/jobs/{key}")
    if answer.status_code != 200:
        assert answer.status_code == 400, answer.text
        return None, answer.json()["error"]["message"]
    name = re.search(r'filename="(.*?)"', answer.headers["content-disposition"])[1]
    if answer.headers["content-type"] != "application/zip":
        return {name: answer.content}, None
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "failures.txt"}, None


def predicted(monkeypatch, matter, home, out, argv):
    """As ``served``, of predict.py."""
    monkeypatch.setattr(core, "open_matter", lambda options: matter)
    monkeypatch.setattr(matter, "close", lambda: None)
    monkeypatch.setattr(core, "Workers", lambda *_, **__: nullcontext())  # a process for each folder takes its time
    monkeypatch.setattr(core, "Isolated", lambda *_: HERE)
    monkeypatch.chdir(home)
    try:
        assert predict.main([*argv, "--output", str(out)]) in (0, 1)
    except UserError as error:
        return None, str(error)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()} or None, None


def bare(data):
    """The bytes of a file without the numbers that Matroska draws anew for each."""
    if data[:4] != b"\x1aE\xdf\xa3":
        return data
    data = bytearray(data)
    for mark, count in ((b"\x73\xa4\x90", 16), (b"\x73\xc5\x88", 8), (b"\x63\xc5\x88", 8)):  # of the segment, of tracks
        at = data.find(mark)
        while at >= 0:
            data[at + 3:at + 3 + count] = bytes(count)
            at = data.find(mark, at + 3)
    return bytes(data)


@pytest.mark.parametrize("kind, name, value", CASES)
def test_the_bytes_of_predict(client, matter, home, tmp_path, monkeypatch, capsys, kind, name, value):
    more = {"type": "com", **NEEDS.get(value, {})}
    if name == "fit":
        more["bgr"] = "@small.png"
    fields = {**({} if kind == PHOTOS else {"bgr": "@bgr.png"}), **more, name: value}
    argv = ["--src", {PHOTO: "src.png", PHOTOS: "set/src", VIDEO: "clip.mp4"}[kind]]
    files = {"src": argv[1]}
    if kind == PHOTOS:
        folder = "sizes" if fields.pop("bgr", None) == "@small.png" and name == "fit" else "set"
        files, argv = {"zip": f"{folder}.zip"}, ["--src", f"{folder}/src", "--bgr", f"{folder}/bgr"]
        if name == "bgr":
            fields[name] = value
    for option, given in fields.items():
        argv += [flag_of(option), given.lstrip("@")]
    fields = {OPTIONS[option].form or option: given for option, given in fields.items()}
    made, refusal = served(client, home, kind, fields, files)
    expected, words = predicted(monkeypatch, matter, home, tmp_path / "out", argv)
    if not is_taken(kind, name, value):
        assert refusal is not None and made is None and (name == "bgr" or expected is None)
        return
    assert refusal is None and words is None, (refusal, words)
    assert {name: bare(data) for name, data in made.items()} == {name: bare(data) for name, data in expected.items()}


def is_taken(kind, name, value):
    """Whether an option may be this beside such a source."""
    if name == "bgr":  # a ZIP has its own, and a photo's is a photo
        return kind == VIDEO or kind == PHOTO and value.endswith(".png")
    if name == "format":
        return value in FORMATS[kind]
    return value == "off" or kind in OPTIONS[name].kinds


def test_smoothing_changes_what_is_made(client, home):
    made = {way: served(client, home, VIDEO, {"bgr": "@bgr.png", "type": "pha", "temporal": way}, {"src": "clip.mp4"})[0]
            for way in ("off", "on", "flow", "ofd")}
    assert made["on"] == made["flow"] and len({found["clip_pha.mp4"] for found in made.values()}) == 3


def test_only_what_is_written_here_is_offered_to_the_outside():
    assert {name for name, about in OPTIONS.items() if HTTP in about.fronts} == set(HTTP_NAMES) == set(VALUES)
    assert {name for name, about in OPTIONS.items() if PAGE in about.fronts} <= set(HTTP_NAMES)
    for kind in KINDS:
        offered = form_schema([kind])
        assert set(offered) == {form for form, name in FORM.items() if kind in OPTIONS[name].kinds}


def test_a_zip_goes_with_no_other_source(client, home):
    for more in ({"src": "clip.mp4"}, {"bgr": "bgr.png"}):
        assert served(client, home, PHOTOS, {}, {"zip": "set.zip", **more})[0] is None
