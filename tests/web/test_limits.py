"""Limits of bytes, pixels, time and places in line; the token; what is deleted when."""
import asyncio
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bgmatting.media import encode, write_image
from bgmatting.web.guard import Guard
from bgmatting.web.inspection import small_photo
from bgmatting.web.refusals import Refused
from bgmatting.web.settings import Settings
from bgmatting.web.storage import MEASURED, Storage
from tests.media.video.clips import make_clip
from tests.web.conftest import Slow, left, parts, until


def test_more_than_allowed_is_refused_before_it_is_worked_on(serve, pair, tmp_path):
    make_clip(tmp_path / "clip.mp4", 6)
    clip, large = (tmp_path / "clip.mp4").read_bytes(), {**parts(pair), "bgr": ("room.png", bytes(20_000))}
    for path, limit, files in (("mattes", {"max_mib": 0.01}, large), ("mattes", {"max_result_mib": 0.0001}, parts(pair)),
                               *(("jobs", limit, {"src": ("clip.mp4", clip), "bgr": bgr}) for limit, bgr in (
                                   ({"max_seconds": 0.2}, ("room.png", pair.bgr)), ({"max_frames": 5}, ("b.mp4", clip)),
                                   ({"max_pixels": 64 * 48 - 1}, ("room.png", pair.bgr)))),
                               ("jobs", {"max_frames": 5}, {"src": ("clip.mp4", clip), "bgr": ("room.png", pair.bgr)})):
        client = serve(**limit)
        answer = client.post(f"/v1/{path}", files=files)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large"), limit
        assert left(client) == []


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_pixels_are_counted_by_the_header_of_every_format(serve, pair, suffix):
    large, client = encode(f".{suffix}", np.zeros((60, 60, 3), np.uint8)), serve(max_pixels=3599)
    answer = client.post("/v1/mattes", files={**parts(pair), "src": (f"me.{suffix}", large)})
    assert answer.status_code == 413 and f"me.{suffix} is 60x60" in answer.json()["error"]["message"]
    assert not client.service.ready  # nobody opened the network for it


@pytest.mark.parametrize("size, expected", [((1, 3300), (1, 1600)), ((2, 8000), (1, 1600)), ((8000, 2), (1600, 1)),
                                            ((1, 1600), (1, 1600)), ((1200, 3200), (600, 1600))])
def test_photos_of_every_shape_are_shown(tmp_path, size, expected):
    write_image(tmp_path / "a.png", np.full((*size, 3), 90, np.uint8))
    shown = small_photo(str(tmp_path / "a.png"))
    assert shown.shape == (*expected, 3) and (shown == 90).all()


def test_a_full_line_answers_429_at_once(serve, pair):
    matter = Slow()
    client = serve(matter, queue=1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/v1/mattes", files=parts(pair))
        assert matter.came.wait(20)
        second = pool.submit(client.post, "/v1/mattes", files=parts(pair))
        until(lambda: client.service.photos.waiting == 2)
        started = time.monotonic()
        answer = client.post("/v1/mattes", files=parts(pair))
        assert time.monotonic() - started < 2
        assert (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) == (429, "busy", "5")
        matter.let.set()
        assert [one.result().status_code for one in (first, second)] == [200, 200]
    until(lambda: client.service.photos.waiting == 0)
    assert client.post("/v1/mattes", files=parts(pair)).status_code == 200


def through_guard(messages, settings):
    """(status, JSON) that a ``Guard`` answers to a POST whose body comes as ``messages``; a number waits."""
    sent, rest = [], list(messages)

    async def receive():
        item = rest.pop(0)
        if isinstance(item, float):
            await asyncio.sleep(item)
            return await receive()
        return item

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/mattes", "headers": [(b"host", b"localhost")]}
    asyncio.run(Guard(reads_all, settings)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def chunk(size, more=True):
    return {"type": "http.request", "body": bytes(size), "more_body": more}


async def reads_all(scope, receive, send):
    """An application that hides what goes wrong while it reads."""
    try:
        while (await receive()).get("more_body"):
            pass
        status = 200
    except Refused:
        status = 400
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def test_a_body_without_a_length_is_counted_and_one_that_trickles_is_given_up():
    settings, end = Settings(max_mib=1, upload_seconds=0.3), {"type": "http.disconnect"}
    assert through_guard([chunk(700_000), chunk(9, False)], settings) == (200, {})
    for messages, wanted in (([chunk(700_000), chunk(700_000), chunk(9, False)], (413, "too_large")),
                             ([chunk(9), 0.1, chunk(9), 5.0, end], (408, "too_slow"))):
        status, said = through_guard(messages, settings)
        assert (status, said["error"]["code"]) == wanted


def test_the_token_is_asked_for_everywhere_but_for_health(serve, pair):
    client = serve(token="open sesame")
    assert client.get("/v1/health").status_code == 200
    for path in ("/v1/info", "/docs", "/", "/openapi.json"):
        assert client.get(path).status_code == 401, path
    assert client.post("/v1/mattes", files=parts(pair)).json()["error"]["code"] == "no_token"
    assert client.get("/v1/info", headers={"Authorization": "Bearer open sesam"}).status_code == 401
    assert client.get("/v1/info", headers={"Authorization": "Bearer open sesame"}).status_code == 200
    assert client.get("/v1/info?token=wrong").status_code == 401
    answer = client.get("/v1/info?token=open%20sesame", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/info")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert client.get("/v1/info").status_code == 200  # by the cookie


def test_browsers_are_told_to_call_nobody_else(serve):
    policy = serve().get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'") and "http" not in policy and "*" not in policy.split("frame-ancestors")[0]


def test_old_files_of_the_page_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = Storage(keep_seconds=540)
    for name in ("old/a.png", "new/b.png"):
        (place.page / name).parent.mkdir()
        (place.page / name).write_bytes(b"x")
    past = time.time() - 541
    for path in (place.page / "old" / "a.png", place.page / "old"):
        os.utime(path, (past, past))
    place.sweep()  # the folder's own time is new again, now that something in it went
    assert sorted(path.name for path in place.page.rglob("*")) == ["b.png", "new", "old"]
    os.utime(place.page / "old", (past, past))
    place.sweep()
    assert sorted(path.name for path in place.page.rglob("*")) == ["b.png", "new"]
    place.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_what_a_killed_server_left_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = Storage(540)
    for name in ("matting-web-abc", "other"):
        (tmp_path / name).mkdir()
    second = Storage(540)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["other", first.root.name, second.root.name])
    first.close()
    second.close()


@pytest.mark.slow
def test_bytes_that_lie_here_in_all(serve, pair):
    client = serve(max_spool_mib=0.02)
    assert client.post("/v1/mattes", files=parts(pair)).status_code == 200
    (client.service.storage.page / "uploaded.png").write_bytes(bytes(20_000))
    time.sleep(MEASURED + 0.1)
    answer = client.post("/v1/mattes", files=parts(pair))
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "busy")
    assert left(client) == [] and client.get("/v1/info").status_code == 200


def test_cameras(serve, pair):
    client = serve(max_cameras=2)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/cameras"), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 4
    key = next(answer.json()["id"] for answer in answers if answer.status_code == 200)
    shot, large = (encode(".jpg", np.zeros((*size, 3), np.uint8)) for size in ((48, 64), (1280, 1280)))
    for data, status in ((shot, 200), (large, 413), (bytes(5 << 20), 413), (shot[:99], 400), (pair.src, 200), (shot, 200)):
        assert client.post(f"/v1/cameras/{key}/frame", content=data).status_code == status
    client.delete(f"/v1/cameras/{key}")
    assert client.post("/v1/cameras").status_code == 200
