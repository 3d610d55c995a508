"""Jobs: films and ZIPs, their progress, their end before time, what they leave."""
import errno
import io
import threading
import time
import unicodedata
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from bgmatting.media import encode
from bgmatting.web import jobs_api
from bgmatting.web.jobs import Jobs
from bgmatting.web.refusals import Refused
from tests.media.video.clips import make_clip
from tests.web.conftest import Slow, begun, ended, left, unpacked, until

FRAMES = 6
PLATE = encode(".png", np.full((48, 64, 3), 90, np.uint8))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Bytes of an MP4 of a few frames of 64x48, 25 a second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(path, FRAMES)
    return path.read_bytes()


def film(clip, **more):
    return {"src": ("clip.mp4", clip), "bgr": ("plate.png", PLATE), **more}


def test_a_film(serve, clip):
    client = serve()
    answer = begun(client, film(clip), target="white", format="webm")
    key = answer.json()["id"]
    assert answer.status_code == 202 and answer.headers["location"] == f"/v1/jobs/{key}"
    last = ended(client, key)
    assert (last["state"], last["frames"], last["frames_in_all"], last["error"]) == ("done", FRAMES, FRAMES, None)
    result = client.get(f"/v1/jobs/{key}/result")
    assert result.headers["content-type"] == "video/webm" and result.content[:4] == b"\x1aE\xdf\xa3"
    assert 'filename="clip_com.webm"' in result.headers["content-disposition"]
    folder, = client.service.storage.root.glob("request-*")
    assert [path.name for path in folder.iterdir()] == ["out"]  # uploads are gone
    assert client.delete(f"/v1/jobs/{key}").status_code == 200
    assert left(client) == []
    assert client.get(f"/v1/jobs/{key}").json()["error"]["code"] == "not_found"


def test_several_results_come_as_a_zip_or_by_name(serve, clip):
    client = serve()
    key = begun(client, film(clip), type="pha,fgr").json()["id"]
    assert sorted(unpacked(client, key)) == ["clip_fgr.mp4", "clip_pha.mp4"]
    assert client.get(f"/v1/jobs/{key}/result?name=clip_pha.mp4").headers["content-type"] == "video/mp4"
    assert client.get(f"/v1/jobs/{key}/result?name=../src/clip.mp4").status_code == 404
    key = begun(client, film(clip), type="pha,com", format="png").json()["id"]
    names = [*(f"{number:06d}.png" for number in range(FRAMES)), "timestamps.txt"]
    assert sorted(unpacked(client, key)) == sorted(f"clip_{kind}/{name}" for kind in ("pha", "com") for name in names)


def test_the_zip_of_several_results_is_written_once_and_goes_with_the_job(serve, clip, monkeypatch):
    client, written = serve(), []
    key = begun(client, film(clip), type="pha,fgr").json()["id"]
    ended(client, key)
    folder, = client.service.storage.root.glob("request-*")
    with monkeypatch.context() as patch:  # it counts as what is kept: there is no room for it
        patch.setattr(client.service.storage, "_most", 1)
        assert client.get(f"/v1/jobs/{key}/result").status_code == 429
        assert client.get(f"/v1/jobs/{key}/result?name=clip_pha.mp4").status_code == 200
    with monkeypatch.context() as patch:  # nothing half written remains
        patch.setattr(jobs_api, "write_zip", full)
        assert client.get(f"/v1/jobs/{key}/result").status_code == 507
    assert [path.name for path in folder.iterdir()] == ["out"]

    def slow(files, target, write=jobs_api.write_zip):
        written.append(target)
        time.sleep(0.2)  # others ask meanwhile
        write(files, target)

    monkeypatch.setattr(jobs_api, "write_zip", slow)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.get(f"/v1/jobs/{key}/result"), range(4)))
    assert len(written) == 1 and len({answer.content for answer in answers}) == 1
    assert answers[0].headers["content-type"] == "application/zip"
    assert 'filename="mattes.zip"' in answers[0].headers["content-disposition"]
    assert sorted(unpacked(client, key)) == ["clip_fgr.mp4", "clip_pha.mp4"] and len(written) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["out", "result"]
    job = client.get(f"/v1/jobs/{key}").json()
    assert job["state"] == "done" and client.delete(f"/v1/jobs/{key}").status_code == 200 and left(client) == []


def test_a_job_that_is_forgotten_while_its_zip_is_written_leaves_nothing(serve, clip, monkeypatch):
    client, write, came, go = serve(), jobs_api.write_zip, threading.Event(), threading.Event()
    key = begun(client, film(clip), type="pha,fgr").json()["id"]
    ended(client, key)

    def waiting(files, target):
        came.set()
        assert go.wait(20)
        write(files, target)

    monkeypatch.setattr(jobs_api, "write_zip", waiting)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get, f"/v1/jobs/{key}/result")
        assert came.wait(20)
        dropped = pool.submit(client.delete, f"/v1/jobs/{key}")
        time.sleep(0.2)  # it waits
        go.set()
        assert dropped.result().status_code == 200
        with suppress(RuntimeError, FileNotFoundError):  # the answer's file may be gone before it was opened
            first.result()
    assert left(client) == [] and client.get(f"/v1/jobs/{key}/result").status_code == 404


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_cancelled_while_it_runs_and_while_it_waits(serve, clip):
    matter = Slow()
    client = serve(matter)
    first = begun(client, film(clip), type="pha").json()["id"]
    assert matter.came.wait(20)
    second = begun(client, film(clip), type="pha").json()["id"]
    assert client.get(f"/v1/jobs/{second}/result").json()["error"]["code"] == "not_ready"
    assert client.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    assert client.get(f"/v1/jobs/{second}").status_code == 404
    assert client.delete(f"/v1/jobs/{first}").json()["state"] == "cancelled"
    matter.let.set()
    until(lambda: left(client) == [])
    until(lambda: client.service.films.waiting == 0)


@pytest.mark.parametrize("content", [
    b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    b"ffconcat version 1.0\nfile 'victim.mp4'\n",
    b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n",
    b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011">'
    b"</MPD>"])
def test_a_playlist_opens_nothing(serve, clip, content, monkeypatch):
    client = serve()
    for name in ("clip.mp4", "list.m3u8", "list.ffconcat"):
        folder = client.service.storage.root / "request-x" / "src"
        folder.mkdir(parents=True)
        (folder / "victim.mp4").write_bytes(clip)
        monkeypatch.setattr(client.service.storage, "folder", lambda folder=folder: folder.parent)
        answer = begun(client, {**film(clip), "src": (name, content)})
        assert answer.status_code == 400 and "as a video" in answer.json()["error"]["message"]
        assert "/tmp" not in answer.text


def test_words_of_films(serve, clip):
    client = serve()
    for data in ({"bgr": "median", "format": "mp4"}, {"bgr": "room.png"}, {"bgr": ""}, {"bgr": "first:0"},
                 {"bgr": "/etc/passwd"}, {"bgr": "median", "temporal": "yes"}, {"bgr": "median", "target": "/etc/hosts"}):
        answer = begun(client, {"src": ("clip.mp4", clip)}, **data)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input"), data
    assert left(client) == []


def test_what_fails_later_is_told_by_the_job(serve, clip):
    client = serve()
    key = begun(client, film(clip, bgr=("plate.png", encode(".png", np.zeros((9, 8, 3), np.uint8))))).json()["id"]
    error = ended(client, key)["error"]
    assert error["status"] == 400 and "clip.mp4 is 64x48" in error["message"] and "plate.png is 8x9" in error["message"]
    assert client.get(f"/v1/jobs/{key}/result").json()["error"] == error


def test_results_go_after_a_while(serve, clip):
    client = serve(keep_seconds=0.0)
    key = begun(client, film(clip), type="pha").json()["id"]
    ended(client, key)
    next(round for round in client.service.storage._rounds)()
    assert client.get(f"/v1/jobs/{key}").status_code == 404 and left(client) == []


def test_budgets_of_jobs(serve, clip):
    matter = Slow()
    client = serve(matter, jobs_per_client=2, max_results=3)
    jobs = Jobs(client.service)
    for sender in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        jobs.begin(client.service.storage.folder(), lambda progress: matter.let.wait(20) and ([], []), sender)
    for sender in ("10.0.0.1", "10.0.0.3"):  # has enough; there are enough
        with pytest.raises(Refused) as refused:
            jobs.check(sender)
        assert refused.value.status == 429
    matter.let.set()
    until(lambda: client.service.films.waiting == 0)
    with pytest.raises(Refused):
        jobs.check("10.0.0.1")
    jobs.drop(next(iter(jobs._jobs)))
    jobs.check("10.0.0.1")


def packed(files):
    """Bytes of a ZIP of {path: content}, or of pairs of them."""
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w") as archive:
        warnings.simplefilter("ignore")  # one name twice
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return data.getvalue()


def sent(client, files, **data):
    """The last state of a job for a ZIP of ``files``."""
    return ended(client, begun(client, {"zip": ("set.zip", packed(files))}, **data).json()["id"])


def test_a_zip_and_what_is_left_out_of_it(serve, pair):
    client, members = serve(), [(f"set/{kind}/ann.png", getattr(pair, kind)) for kind in ("src", "bgr")]
    members += [("set/src/bob.png", b"damaged"), ("set/bgr/bob.png", pair.bgr), ("set/src/eve.png", pair.src)]
    members += [("set/src/b.nef", b"x"), ("set/src/c", b"x"), ("../src/up.png", b"x"), ("else/e.png", pair.src)]
    members += [("set/src/two.png", pair.src)] * 2 + [("set/src/f.png", pair.src), ("set/src/F.PNG", pair.src)]
    last = sent(client, members)
    assert (last["state"], last["frames"]) == ("done", 2)
    made = unpacked(client, last["id"])
    assert sorted(made) == ["com/ann.png", "failures.txt", "pha/ann.png"] and b"/tmp" not in made["failures.txt"]
    for name in ("bob", "eve: no partner in bgr", "b.nef", "src/c", "up.png", "else/e.png", "two.png", "F.PNG"):
        assert any(name in note for note in last["notes"]) and name.encode() in made["failures.txt"], name


@pytest.mark.parametrize("days, names", [
    (("mon/{}/a.png", "tue/{}/a.png"), ("mon/a", "tue/a")),
    (("set/mon/{}/a.png", "set\\tue\\{}\\a.png"), ("mon/a", "tue/a")),
    (("{}/mon/a.png", "{}/tue/a.png"), ("mon/a", "tue/a")), (("x/{}/a.b.png", "x/{}/a.png"), ("a.b", "a")),
    (("{}/" + "p" * 110 + "1.png", "{}/" + "p" * 110 + "2.png"), ("p" * 110 + "1", "p" * 110 + "2"))])
def test_each_photo_of_a_zip_has_its_own_matte(serve, pair, days, names):
    client, pairs = serve(), (pair, pair._replace(src=pair.bgr))  # of the second one nothing is subject
    members = [(day.format(kind), getattr(one, kind)) for day, one in zip(days, pairs) for kind in ("src", "bgr")]
    last = sent(client, members[::-1], type="pha")
    alone = [client.post("/v1/mattes", data={"type": "pha"}, files={"src": ("a.png", one.src), "bgr": ("b.png", one.bgr)})
             for one in pairs]
    made = unpacked(client, last["id"])
    assert made == {f"pha/{name}.png": answer.content for name, answer in zip(names, alone)} and last["notes"] == []


def test_one_scene_for_all_and_folders_of_two_scenes(serve, pair):
    client = serve()
    last = sent(client, {"src/a.png": pair.src, "src/b.png": pair.src, "bgr/room.png": pair.bgr}, type="pha")
    assert (last["state"], last["frames"], last["notes"]) == ("done", 2, [])
    two = {"mon/src/a.png": pair.src, "tue/bgr/a.png": pair.bgr, "tue/bgr/b.png": pair.bgr}
    assert sent(client, two)["state"] == "failed"
    assert set(unpacked(client, sent(client, {"x/y/src/a.png": pair.src, "x/bgr/a.png": pair.bgr}, type="pha")["id"])) == {
        "pha/a.png"}


@pytest.mark.parametrize("more, done, alone", [
    ({"src/b.png": "src", "bgr/b.png": "bgr"}, ["b"], "a"),                        # a's is forgotten
    ({"src/b.png": "src", "bgr/b.png": "bgr", "bgr/a.png": "large"}, ["b"], "a"),  # or too large
    ({"src/b.png": "src", "bgr/b.png": "bgr", "bgr/a.nef": "bgr"}, ["b"], "a"),
    ({"src/b.png": "src", "bgr/b.png": "bgr", "bgr/a.png": "damaged"}, ["b"], "a"),
    ({"src/b.png": "src", "bgr/\u00e9.png": "bgr", "src/e\u0301.png": "src"}, ["\u00e9"], "a"),
    ({"src/b.nef": "src", "bgr/b.png": "bgr"}, [], None), ({"src/b.png": "large", "bgr/b.png": "bgr"}, [], None),
    ({"bgr/room.png": "bgr", "bgr/a.png": "large"}, [], None), ({"bgr/room.png": "bgr", "bgr/a.nef": "bgr"}, [], None),
    ({"src/b.nef": "src", "bgr/room.png": "bgr", "bgr/.DS_Store": "damaged"}, ["a"], None)])
def test_no_photo_has_the_scene_of_another(serve, pair, more, done, alone):
    contents = {**pair._asdict(), "large": encode(".png", np.zeros((60, 60, 3), np.uint8)), "damaged": b"damaged"}
    client = serve(max_pixels=3000)
    last = sent(client, {"src/a.png": pair.src, **{name: contents[key] for name, key in more.items()}}, type="pha")
    if not done:
        assert last["state"] == "failed"
        return
    made = unpacked(client, last["id"])
    names = {unicodedata.normalize("NFC", name) for name in made}
    assert names - {"failures.txt"} == {f"pha/{name}.png" for name in done}
    assert alone is None or any(note.startswith(f"{alone}: ") for note in last["notes"])


def test_zips_that_are_none_or_too_much(serve, pair):
    client, squeezed = serve(max_mib=0.1), {}
    for name, content in (("bomb", bytes(5 << 20)), ("flipped", pair.src)):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("src/a.png", content)
        squeezed[name] = bytearray(data.getvalue())
    squeezed["flipped"][30 + len("src/a.png")] = 255   # a kind of block that zlib does not know
    for data, status, text in ((squeezed["bomb"], 413, "unpacks to more"), (b"no zip", 400, "cannot be unpacked"),
                               (squeezed["flipped"], 400, "cannot be unpacked"),
                               (packed({"a.png": pair.src}), 400, "no photos below a folder src/")):
        answer = begun(client, {"zip": ("set.zip", bytes(data))})
        assert answer.status_code == status and text in answer.json()["error"]["message"]
        assert left(client) == []
