"""POST /v1/mattes: the bytes of predict.py, its words where something is wrong, and nothing left behind."""
import io
import zipfile

import cv2
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import encode
from bgmatting.prediction import core
from tests.prediction.command import StandIn
from tests.web.conftest import left, parts


def predicted(tmp_path, monkeypatch, pair, *flags):
    """{name: bytes} of what predict.py writes for the pair."""
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())
    (tmp_path / "me.png").write_bytes(pair.src)
    (tmp_path / "room.png").write_bytes(pair.bgr)
    assert predict.main(["--src", str(tmp_path / "me.png"), "--bgr", str(tmp_path / "room.png"), "--output",
                         str(tmp_path / "out"), *flags]) == 0
    return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_several_types_are_a_zip_of_the_files_of_predict(serve, pair, tmp_path, monkeypatch):
    client = serve()
    answer = client.post("/v1/mattes", files=parts(pair), data={"type": ["pha", "com,err"]})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == predicted(tmp_path, monkeypatch, pair, "--type", "pha", "com", "err")
    assert left(client) == []


def test_an_uploaded_background_is_what_com_is_set_before(serve, pair):
    plain = encode(".png", np.full((40, 48, 3), (9, 8, 7), np.uint8))
    answer = serve().post("/v1/mattes", files={**parts(pair), "target": ("beach.png", plain)})
    com = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert com.shape == (40, 48, 3)
    assert np.array_equal(com[0, 0], (9, 8, 7)) and np.array_equal(com[20, 20], (200, 100, 50))


def refused(client, status, files, **data):
    """The message of a refusal; its shape is asserted, and that nothing is left."""
    answer = client.post("/v1/mattes", files=files, data=data)
    error = answer.json()["error"]
    assert answer.status_code == status == error["status"]
    assert set(error) == {"status", "code", "message"} and "\n" not in error["message"]
    assert str(client.service.workplace.root) not in answer.text and "/tmp" not in answer.text
    assert left(client) == []
    return error["message"]


def test_photos_that_cannot_be_used_are_named(serve, pair):
    client, small = serve(), encode(".png", np.zeros((8, 9, 3), np.uint8))
    for src, bgr in ((pair.src, small), (b"no picture at all", pair.bgr), (b"", pair.bgr)):
        assert "me.png" in refused(client, 400, {"src": ("me.png", src), "bgr": ("room.png", bgr)})


@pytest.mark.parametrize("data", [
    {"type": "alpha"}, {"format": "bmp"}, {"fit": "no"}, {"align": "yes"}, {"bit_depth": "12"}, {"format": "jpg"},
    {"tpye": "com"}, {"target": "white", "type": "pha"}, {"target": "/etc/passwd"}, {"target": "../src/me.png"}])
def test_unknown_words_are_refused(serve, pair, data):
    refused(serve(), 400, parts(pair), **data)


def test_half_a_pair_is_refused(serve, pair):
    for word in ("src", "bgr"):
        refused(serve(), 400, {word: ("me.png", pair.src)})


def test_a_request_without_a_form_is_refused(serve):
    answer = serve().post("/v1/mattes", content=b"{}", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input")


@pytest.mark.parametrize("name", [
    "照" * 90 + ".png", "😀" * 62 + ".png",
    "../../etc/me.png", "C:\\photos\\me.png", ".png", "a" * 300 + ".png", "人.png", "a\x00\u202eb.png"])
def test_any_name_of_a_file_is_taken(serve, pair, name):
    client = serve()
    assert client.post("/v1/mattes", files=parts(pair, src=name)).status_code == 200
    assert left(client) == []


def test_what_nobody_expected_is_told_without_a_trace(serve, pair, capsys):
    class Broken(StandIn):
        def predict(self, *arguments, **options):
            raise RuntimeError("secret of the machine")
    said = refused(serve(Broken()), 400, parts(pair))
    assert "unexpected RuntimeError" in said


def test_addresses_that_are_none(serve):
    client = serve()
    assert client.get("/v1/matte").json()["error"] == {
        "status": 404, "code": "not_found", "message": "no such address: GET /v1/matte. /docs lists them."}
    assert client.get("/v1/mattes").json()["error"]["code"] == "no_such_method"


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


def test_too_much_text_and_too_many_parts_are_refused(serve, pair):
    for data in ({"target": "x" * (1 << 20) + "x"}, {"type": ["com"] * 40}):
        assert serve().post("/v1/mattes", files=parts(pair), data=data).status_code == 400


def test_head_is_answered_and_a_405_says_what_is_allowed(serve):
    client = serve()
    for path in ("/v1/health", "/docs", "/openapi.json"):
        assert client.head(path).status_code == 200 and client.head(path).content == b""
    assert client.put("/v1/jobs/x").headers["allow"] == "DELETE, GET, HEAD"
    assert client.get("/v1/mattes").headers["allow"] == "POST"
    assert client.head("/v1/jobs/x").status_code == 404


def test_the_reference_names_the_address_that_it_was_asked_at(serve):
    text = serve().get("/docs", headers={"host": "localhost:1234", "x-forwarded-prefix": "/matting"}).text
    assert "http://localhost:1234/matting/v1/mattes" not in text  # no proxy that is trusted says so
    assert "http://localhost:1234/v1/mattes" in text
    text = serve(root_path="/matting").get("/docs", headers={"host": "localhost:1234"}).text
    assert "http://localhost:1234/matting/v1/mattes" in text


def test_health_and_info(serve):
    client = serve(queue=3)
    assert client.get("/v1/health").json() == {"status": "starting", "waiting": 0, "films_waiting": 0}
    client.service.matter()
    assert client.get("/v1/health").json()["status"] == "ok"
    info = client.get("/v1/info").json()
    assert info["limits"]["queue"] == 3 and info["network"]["device"] == "cpu" and "weights" not in info["network"]


def test_the_reference_names_all_routes_and_fetches_nothing(serve):
    client = serve()
    text = client.get("/docs").text
    for route in ("/v1/mattes", "/v1/jobs", "/v1/health", "/v1/info"):
        assert route in text
    assert "<script" not in text and "<link" not in text and "src=" not in text.replace("-F src=", "")
    route = client.get("/openapi.json").json()["paths"]["/v1/mattes"]["post"]
    assert route["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["src", "bgr"]
