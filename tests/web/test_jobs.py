"""Jobs: films and ZIPs, their progress, their end before time, what they leave."""
import io
import zipfile

import numpy as np
import pytest

from bgmatting.media import encode
from bgmatting.media.video.reader import open_video
from bgmatting.web.jobs import Jobs
from bgmatting.web.refusals import Refused
from tests.web.conftest import Slow, left
from tests.web.test_limits import until


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Bytes of an MP4 of 12 frames of 64x48, a square that moves over gray, 24 frames a second."""
    import av
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            image = np.full((48, 64, 3), 90, np.uint8)
            image[10:30, 4 * number:4 * number + 12] = (200, 60, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


PLATE = encode(".png", np.full((48, 64, 3), 90, np.uint8))


def begun(client, files, **data):
    """The answer to a new job."""
    return client.post("/v1/jobs", files=files, data=data)


def ended(client, key):
    """The last state of a job."""
    until(lambda: client.get(f"/v1/jobs/{key}").json()["state"] not in ("queued", "running"))
    return client.get(f"/v1/jobs/{key}").json()


def film(clip, **more):
    return {"src": ("clip.mp4", clip), "bgr": ("plate.png", PLATE), **more}


def test_a_film(serve, clip, tmp_path):
    client = serve()
    answer = begun(client, film(clip), target="white", format="webm")
    job = answer.json()
    assert answer.status_code == 202 and answer.headers["location"] == f"/v1/jobs/{job['id']}"
    last = ended(client, job["id"])
    assert (last["state"], last["frames"], last["frames_in_all"], last["error"]) == ("done", 12, 12, None)
    result = client.get(f"/v1/jobs/{job['id']}/result")
    assert result.headers["content-type"] == "video/webm"
    assert 'filename="clip_com.webm"' in result.headers["content-disposition"]
    (tmp_path / "made.webm").write_bytes(result.content)
    with open_video(tmp_path / "made.webm") as reader:
        assert sum(1 for _ in reader) == 12
    folder, = client.service.storage.root.glob("request-*")
    assert sorted(path.name for path in folder.iterdir()) == ["out"]  # uploads are gone
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 200
    assert left(client) == []
    assert client.get(f"/v1/jobs/{job['id']}").json()["error"]["code"] == "not_found"


def test_several_types_come_as_a_zip_or_by_name(serve, clip):
    client = serve()
    key = begun(client, film(clip), type="pha,fgr").json()["id"]
    assert ended(client, key)["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{key}/result").content)) as archive:
        assert sorted(archive.namelist()) == ["clip_fgr.mp4", "clip_pha.mp4"]
    assert client.get(f"/v1/jobs/{key}/result?name=clip_pha.mp4").headers["content-type"] == "video/mp4"
    assert client.get(f"/v1/jobs/{key}/result?name=../src/clip.mp4").status_code == 404


@pytest.mark.parametrize("types", ["pha", "pha,com"])
def test_pictures_of_a_film_come_in_a_zip(serve, clip, types):
    client = serve()
    key = begun(client, film(clip), type=types, format="png").json()["id"]
    assert ended(client, key)["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{key}/result").content)) as archive:
        names = [*(f"{number:06d}.png" for number in range(12)), "timestamps.txt"]
        assert sorted(archive.namelist()) == sorted(f"clip_{kind}/{name}" for kind in types.split(",") for name in names)


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
@pytest.mark.parametrize("name", ["clip.mp4", "list.m3u8", "list.ffconcat"])
def test_a_playlist_opens_nothing(serve, clip, content, name, monkeypatch):
    client = serve()
    folder = client.service.storage.root / "request-x" / "src"
    folder.mkdir(parents=True)
    (folder / "victim.mp4").write_bytes(clip)
    monkeypatch.setattr(client.service.storage, "folder", lambda: folder.parent)
    answer = begun(client, {**film(clip), "src": (name, content)})
    assert answer.status_code == 400 and "as a video" in answer.json()["error"]["message"]
    assert "/tmp" not in answer.text


def test_films_beyond_the_limits(serve, clip):
    for limit in ({"max_seconds": 0.2}, {"max_pixels": 64 * 48 - 1}):
        assert begun(serve(**limit), film(clip)).json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("data", [
    {"bgr": "median", "format": "mp4"}, {"bgr": "room.png"}, {"bgr": ""}, {"bgr": "first:0"}, {"bgr": "/etc/passwd"},
    {"bgr": "median", "temporal": "yes"}, {"bgr": "median", "target": "/etc/hosts"}])
def test_words_of_films(serve, clip, data):
    client = serve()
    answer = begun(client, {"src": ("clip.mp4", clip)}, **data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input")
    assert left(client) == []


def test_what_fails_later_is_told_by_the_job(serve, clip):
    client = serve()
    small = encode(".png", np.zeros((9, 8, 3), np.uint8))
    key = begun(client, film(clip, bgr=("plate.png", small))).json()["id"]
    error = ended(client, key)["error"]
    assert error["status"] == 400 and error["message"].startswith("clip.mp4 is 64x48 but its background plate.png is 8x9")
    assert client.get(f"/v1/jobs/{key}/result").json()["error"] == error


def packed(**files):
    """Bytes of a ZIP of {path: content}, the dots of paths as given."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_a_zip_and_its_failures(serve, pair):
    client = serve()
    data = packed(**{"set/src/ann.png": pair.src, "set/bgr/ann.png": pair.bgr, "set/src/bob.png": b"damaged",
                     "set/bgr/bob.png": pair.bgr, "set/src/eve.png": pair.src, "set/notes.txt": b"x"})
    key = begun(client, {"zip": ("set.zip", data)}).json()["id"]
    last = ended(client, key)
    assert (last["state"], last["frames"]) == ("done", 2)
    assert any(note.startswith("bob: cannot decode bob.png") for note in last["notes"])
    assert "eve: no partner in bgr" in last["notes"]
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{key}/result").content)) as archive:
        assert sorted(archive.namelist()) == ["com/ann.png", "failures.txt", "pha/ann.png"]
        assert b"/tmp" not in archive.read("failures.txt")
        alone = client.post("/v1/mattes", files={"src": ("ann.png", pair.src), "bgr": ("ann.png", pair.bgr)})
        assert archive.read("com/ann.png") == alone.content


def test_one_scene_for_all(serve, pair):
    client = serve()
    data = packed(**{"src/a.png": pair.src, "src/b.png": pair.src, "bgr/room.png": pair.bgr})
    last = ended(client, begun(client, {"zip": ("set.zip", data)}, type="pha").json()["id"])
    assert (last["state"], last["frames"], last["notes"]) == ("done", 2, [])


def test_zips_that_are_none_or_too_much(serve, pair):
    client = serve(max_mib=0.1)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("src/a.png", bytes(5 << 20))
    damaged = io.BytesIO()
    with zipfile.ZipFile(damaged, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("src/a.png", pair.src)
    flipped = bytearray(damaged.getvalue())
    flipped[30 + len("src/a.png")] = 255   # a kind of block that zlib does not know
    for data, status, text in ((bomb.getvalue(), 413, "unpacks to more"), (b"no zip", 400, "cannot be unpacked"),
                               (bytes(flipped), 400, "cannot be unpacked"),
                               (packed(**{"a.png": pair.src}), 400, "no photos below a folder src/")):
        answer = begun(client, {"zip": ("set.zip", data)})
        assert answer.status_code == status and text in answer.json()["error"]["message"]
        assert left(client) == []


def test_results_go_after_a_while(serve, clip):
    client = serve(keep_seconds=0.0)
    key = begun(client, film(clip), type="pha").json()["id"]
    ended(client, key)
    next(round for round in client.service.storage._rounds)()
    assert client.get(f"/v1/jobs/{key}").status_code == 404 and left(client) == []


def test_budgets_of_jobs(serve, clip):
    assert begun(serve(max_frames=11), film(clip)).status_code == 413
    assert begun(serve(max_frames=11), {"src": ("me.mp4", clip), "bgr": ("plate.mp4", clip)}).status_code == 413
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
