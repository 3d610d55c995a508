"""ZIPs of photos through the service: every photo has its own matte, or a line."""
import io
import warnings
import zipfile

import numpy as np
import pytest

from bgmatting.media import encode
from tests.web.test_jobs import begun, ended, packed


def of_another(pair):
    """PNG bytes of another scene and subject than ``pair``'s."""
    rng = np.random.default_rng(6)
    bgr = rng.integers(0, 255, (40, 48, 3), np.uint8)
    src = bgr.copy()
    src[5:15, 2:20] = (20, 200, 50)
    return pair._replace(src=encode(".png", src), bgr=encode(".png", bgr))


def result(client, data):
    """({name: bytes} of the result of a job for the ZIP ``data``, its notes)"""
    key = begun(client, {"zip": ("set.zip", data)}, type="pha").json()["id"]
    last = ended(client, key)
    assert last["state"] == "done", last
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{key}/result").content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}, last["notes"]


@pytest.mark.parametrize("days, names", [
    (("mon/{}/a.png", "tue/{}/a.png"), ("mon/a", "tue/a")),
    (("set/mon/{}/a.png", "set\\tue\\{}\\a.png"), ("mon/a", "tue/a")),
    (("{}/mon/a.png", "{}/tue/a.png"), ("mon/a", "tue/a")), (("x/{}/a.b.png", "x/{}/a.png"), ("a.b", "a")),
    (("{}/" + "p" * 110 + "1.png", "{}/" + "p" * 110 + "2.png"), ("p" * 110 + "1", "p" * 110 + "2"))])
def test_each_photo_has_its_own_matte(serve, pair, days, names):
    client, pairs = serve(), (pair, of_another(pair))
    members = {day.format(kind): getattr(one, kind) for day, one in zip(days, pairs) for kind in ("src", "bgr")}
    made, notes = result(client, packed(**dict(reversed(members.items()))))
    alone = [client.post("/v1/mattes", data={"type": "pha"}, files={"src": ("a.png", one.src), "bgr": ("b.png", one.bgr)})
             for one in pairs]
    assert made == {f"pha/{name}.png": answer.content for name, answer in zip(names, alone)} and notes == []


def test_what_is_left_out_is_named(serve, pair):
    members = [(f"{kind}/a.png", getattr(pair, kind)) for kind in ("src", "bgr")]
    members += [("src/b.nef", b"x"), ("src/c", b"x"), ("src/d.svg", b"x"), ("../src/up.png", b"x"), ("else/e.png", pair.src)]
    members += [("src/two.png", pair.src)] * 2 + [("src/f.png", pair.src), ("src/F.PNG", pair.src)]
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    made, notes = result(serve(), data.getvalue())
    assert set(made) == {"pha/a.png", "failures.txt"}
    for name in ("b.nef", "src/c", "d.svg", "up.png", "else/e.png", "two.png", "F.PNG"):
        assert any(name in note for note in notes) and name in made["failures.txt"].decode(), name


def test_folders_of_two_scenes_are_no_pair(serve, pair):
    client = serve()
    data = packed(**{"mon/src/a.png": pair.src, "tue/bgr/a.png": pair.bgr, "tue/bgr/b.png": pair.bgr})
    assert ended(client, begun(client, {"zip": ("set.zip", data)}).json()["id"])["state"] == "failed"
    made, _ = result(client, packed(**{"x/y/src/a.png": pair.src, "x/bgr/a.png": pair.bgr}))
    assert set(made) == {"pha/a.png"}
