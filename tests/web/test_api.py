"""POST /v1/mattes and what the server says of itself: its answers, one line where something is wrong, nothing left behind.

That the bytes are those of predict.py, test_same_as_predict.py shows.
"""
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from bgmatting.media import encode
from tests.media.video.clips import make_clip
from tests.prediction.command import StandIn
from tests.web.conftest import left, parts


def gif_of(count):
    """The bytes of a GIF of so many images."""
    images, data = [Image.fromarray(np.full((8, 8), shade, np.uint8)) for shade in range(count)], io.BytesIO()
    images[0].save(data, "GIF", save_all=True, append_images=images[1:])
    return data.getvalue()


def refused(client, status, files, **data):
    """The message of a refusal; its shape is asserted, and that nothing is left."""
    answer = client.post("/v1/mattes", files=files, data=data)
    error = answer.json()["error"]
    assert answer.status_code == status == error["status"]
    assert set(error) == {"status", "code", "message"} and "\n" not in error["message"]
    assert str(client.service.storage.root) not in answer.text and "/tmp" not in answer.text
    assert left(client) == []
    return error["message"]


def test_several_types_are_a_zip_of_the_files_that_each_is_alone(serve, pair):
    client = serve()
    answer = client.post("/v1/mattes", files=parts(pair), data={"type": ["pha", "com,err"]})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {f"me_{kind}.png": client.post("/v1/mattes", files=parts(pair), data={"type": kind}).content
                     for kind in ("pha", "com", "err")}
    assert left(client) == []


def test_photos_that_cannot_be_used_are_named(serve, pair):
    client, small = serve(), encode(".png", np.zeros((8, 9, 3), np.uint8))
    for src, bgr in ((pair.src, small), (b"no image at all", pair.bgr), (b"", pair.bgr)):
        assert "me.png" in refused(client, 400, {"src": ("me.png", src), "bgr": ("room.png", bgr)})


def test_what_no_request_may_hold_or_lack(serve, pair):
    client, whole = serve(), parts(pair)
    for data in ({"type": "alpha"}, {"format": "bmp"}, {"fit": "no"}, {"align": "yes"}, {"bit_depth": "12"}, {"tpye": "com"},
                 {"format": "jpg"}, {"target": "white", "type": "pha"}, {"target": "/etc/passwd"}, {"target": "../me.png"},
                 {"target": "x" * (1 << 20) + "x"}, {"type": ["com"] * 40}):
        refused(client, 400, whole, **data)
    for word in whole:
        refused(client, 400, {word: whole[word]})
    answer = client.post("/v1/mattes", content=b"{}", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input")


def test_refusals_speak_of_forms(serve, pair, tmp_path):
    client, whole = serve(), parts(pair)
    make_clip(tmp_path / "clip.mp4", 2)
    clip = ("clip.mp4", (tmp_path / "clip.mp4").read_bytes())
    small = ("room.png", encode(".png", np.zeros((8, 9, 3), np.uint8)))
    assert "/v1/jobs" in refused(client, 400, {**whole, "src": clip})
    gif = ("a.gif", gif_of(2))
    assert "/v1/jobs" in refused(client, 400, {**whole, "src": gif})
    assert "room.mp4" in refused(client, 400, {**whole, "bgr": ("room.mp4", clip[1])})
    message = refused(client, 400, {**whole, "bgr": small})
    assert "fit=resize" in message and "--" not in message
    assert "target=@" in refused(client, 400, whole, target="waves.mp4")
    assert "is empty" in refused(client, 400, {**whole, "target": ("waves.mp4", b"")})
    fields = client.get("/openapi.json").json()["paths"]["/v1/mattes"]["post"]["requestBody"]["content"]
    named = refused(client, 400, whole, nonsense="1").partition("Known: ")[2].rstrip(".").split(", ")
    assert named == list(fields["multipart/form-data"]["schema"]["properties"])


def test_any_name_of_a_file_is_taken(serve, pair):
    client = serve()
    for name in ("照" * 90 + ".png", "😀" * 62 + ".png", "../../etc/me.png", "C:\\me.png", ".png", "a" * 300 + ".png",
                 "人.png", "a\x00\u202eb.png"):
        assert client.post("/v1/mattes", files=parts(pair, src=name)).status_code == 200, name
        assert left(client) == []


def test_what_nobody_expected_is_told_without_a_trace(serve, pair):
    class Broken(StandIn):
        def predict(self, *arguments, **options):
            raise RuntimeError("secret of the machine")
    assert "unexpected RuntimeError" in refused(serve(Broken()), 400, parts(pair))


def test_a_form_is_whole_or_refused(serve, pair):
    client, kind = serve(), {"content-type": "Multipart/Form-Data; boundary=x"}
    one = b'--x\r\nContent-Disposition: form-data; name="%s"; filename*=UTF-8\'\'%s\r\n\r\n%s\r\n'
    whole = one % (b"src", b"%E4%BA%BA.png", pair.src) + one % (b"bgr", b"room.png", pair.bgr) + b"--x--\r\n"
    answer = client.post("/v1/mattes", content=whole, headers=kind)
    assert answer.status_code == 200 and "%E4%BA%BA_com.png" in answer.headers["content-disposition"]
    for body in (whole[:-6], whole[:-9], b"junk" + whole, b"--x--\r\n", whole.replace(b"name=", b"nom="), b""):
        assert client.post("/v1/mattes", content=body, headers=kind).status_code == 400
    assert client.post("/v1/mattes", content=whole, headers={"content-type": "multipart/form-data"}).status_code == 400
    assert left(client) == []


@pytest.mark.parametrize("method, path, status, code, allowed", [
    ("GET", "/v1/matte", 404, "not_found", None), ("GET", "/v1/mattes", 405, "no_such_method", "POST"),
    ("PUT", "/v1/jobs/x", 405, "no_such_method", "DELETE, GET, HEAD")])
def test_addresses_that_are_none(serve, method, path, status, code, allowed):
    answer = serve().request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers.get("allow")) == (status, code, allowed)


def test_head_is_answered(serve):
    client = serve()
    for path in ("/v1/health", "/docs", "/openapi.json"):
        assert client.head(path).status_code == 200 and client.head(path).content == b""
    assert client.head("/v1/jobs/x").status_code == 404


def test_health_and_info(serve):
    client = serve(queue=3)
    assert client.get("/v1/health").json() == {"status": "starting", "waiting": 0, "films_waiting": 0}
    client.service.matter()
    assert client.get("/v1/health").json()["status"] == "ok"
    info = client.get("/v1/info").json()
    assert info["limits"]["queue"] == 3 and info["network"]["device"] == "cpu" and "weights" not in info["network"]


def test_the_reference_names_all_routes_and_the_address_that_it_was_asked_at_and_fetches_nothing(serve):
    text = serve().get("/docs", headers={"host": "localhost:1234", "x-forwarded-prefix": "/matting"}).text
    for route in ("/v1/mattes", "/v1/jobs", "/v1/health", "/v1/info"):
        assert route in text
    assert "<script" not in text and "<link" not in text and "src=" not in text.replace("-F src=", "")
    assert "http://localhost:1234/v1/mattes" in text  # no proxy that is trusted says that it is below /matting
    client = serve(root_path="/matting")
    assert "http://localhost:1234/matting/v1/mattes" in client.get("/docs", headers={"host": "localhost:1234"}).text
    route = client.get("/openapi.json").json()["paths"]["/v1/mattes"]["post"]
    assert route["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["src", "bgr"]
