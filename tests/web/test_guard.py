"""Whose requests are taken, under which names, with which token; which connections may stay; how much is written of them."""
import io
import time
from ipaddress import ip_network
from types import SimpleNamespace

import pytest

pytest.importorskip("uvicorn", reason="requirements-web.txt is not installed (uvicorn is missing)")
from bgmatting.commands import serve as app
from bgmatting.utils.errors import UserError
from bgmatting.web.connections import Crowd
from bgmatting.web.guard import Door
from bgmatting.web.hosts import Hosts
from bgmatting.web.log import Sparing
from bgmatting.web.refusals import Refused
from bgmatting.web.settings import Settings, settings_of


def scope(method="POST", client="127.0.0.1", path="/v1/mattes", **headers):
    """What a server makes of a request."""
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "scheme": "http", "client": (client, 1), "headers": names}


def status(settings, request):
    """Of a refusal; 200 where there is none."""
    hosts = Hosts(settings)
    try:
        hosts.check(hosts.forwarded(request))
    except Refused as refused:
        return refused.status
    return 200


NAMED = Settings(host="0.0.0.0", allowed_hosts=("matting.example", "*.lab.example", "other.example:8443"))


@pytest.mark.parametrize("settings, expected, headers", [
    (Settings(), 200, {"host": "localhost:1234"}), (Settings(), 403, {"host": "evil.example"}), (Settings(), 400, {}),
    (Settings(host="::1"), 200, {"host": "[0:0::1]:7"}), (Settings(host="127.0.0.2"), 200, {"host": "127.0.0.2"}),
    (Settings(host="0.0.0.0"), 200, {"host": "any.example"}),  # there a token is asked for
    (Settings(host="0.0.0.0"), 403, {"host": "any.example", "origin": "http://evil.example"}),
    (Settings(host="0.0.0.0"), 200, {"host": "any.example", "origin": "https://any.example"}),
    (Settings(host="0.0.0.0"), 403, {"host": "any.example:8080", "origin": "http://any.example"}),
    (NAMED, 200, {"host": "Matting.Example."}), (NAMED, 200, {"host": "a.b.lab.example:1"}),
    (NAMED, 403, {"host": "lab.example"}),
    (NAMED, 403, {"host": "evil-lab.example"}), (NAMED, 200, {"host": "127.0.0.1"}), (NAMED, 403, {"host": "10.0.0.7"}),
    (NAMED, 200, {"host": "127.0.0.1", "origin": "https://matting.example"}),  # a proxy that leaves its own name out
    (NAMED, 200, {"host": "other.example", "origin": "https://other.example:8443"}),  # or its port
    (NAMED, 403, {"host": "matting.example", "origin": "https://matting.example:8443"}),
    (Settings(allowed_hosts=("localhost",)), 403, {"host": "localhost:7860", "origin": "http://localhost:3000"}),
    (Settings(allowed_hosts=("localhost",)), 403, {"host": "localhost:7860", "origin": "http://localhost"}),
    (NAMED, 403, {"host": "127.0.0.1", "origin": "https://evil.example"}),
    (NAMED, 200, {"host": "127.0.0.1", "x_forwarded_host": "matting.example", "origin": "https://matting.example"}),
    (NAMED, 403, {"host": "evil.example", "x_forwarded_host": "evil.example"}),
    (Settings(), 403, {"host": "evil.example", "x_forwarded_host": "localhost"}),
    (Settings(allowed_hosts=("*",)), 200, {"host": "any", "origin": "http://other", "sec_fetch_site": "cross-site"}),
    (Settings(), 403, {"host": "localhost", "sec_fetch_site": "cross-site"})])
def test_who_may_ask_under_which_name(settings, expected, headers):
    assert status(settings, scope(**headers)) == expected


def test_only_a_trusted_proxy_is_believed():
    said = {"host": "matting.example", "x_forwarded_proto": "https", "x_forwarded_prefix": "/matting/"}
    made = Hosts(NAMED).forwarded(scope(x_gradio_server="x", **said))
    assert (made["scheme"], made["root_path"], made["path"]) == ("https", "/matting", "/matting/v1/mattes")
    assert made["headers"] == [(b"host", b"matting.example")]
    made = Hosts(NAMED).forwarded(scope(client="10.0.0.9", **said))
    assert (made["scheme"], made.get("root_path"), made["path"]) == ("http", None, "/v1/mattes")
    trusting = settings_of(app.parse(["--trusted-proxies", "10.0.0.0/8", "--root-path", "matting/"]))
    assert Hosts(trusting).forwarded(scope(client="::ffff:10.0.0.9", **said))["scheme"] == "https"
    assert Hosts(trusting).forwarded(scope(client="127.0.0.1", **said))["scheme"] == "http"
    assert Hosts(trusting).forwarded(scope(client="127.0.0.1"))["path"] == "/matting/v1/mattes"
    for prefix in ("//evil.example", "/a/../b", "/a b", "http://evil.example", "/a?b"):
        assert "root_path" not in Hosts(NAMED).forwarded(scope(**{**said, "x_forwarded_prefix": prefix})), prefix


def test_whose_a_request_is():
    hosts = Hosts(Settings(trusted_proxies=(ip_network("10.0.0.0/8"),)))
    for peer, passed, client in (("10.0.0.1", "1.2.3.4, 5.6.7.8, 10.0.0.9", "5.6.7.8"), ("10.0.0.1", "", "10.0.0.1"),
                                 ("9.9.9.9", "1.2.3.4", "9.9.9.9"), ("10.0.0.1", "10.0.0.3", "10.0.0.1")):
        said = {"x_forwarded_for": passed} if passed else {}
        made = hosts.forwarded(scope(client=peer, **said))
        assert made["client"][0] == client


@pytest.mark.parametrize("flags", [
    ["--token", "short"], ["--token", " with space"], ["--token", "with\nline"], ["--trusted-proxies", "proxy.example"],
    ["--root-path", "/a/../b"], ["--frame-ancestors", "*; script-src *"], ["--allowed-hosts", "https://matting.example"]])
def test_settings_that_make_no_sense(flags):
    with pytest.raises(UserError):
        Hosts(settings_of(app.parse(flags)))


def test_beyond_this_machine_there_is_a_token(monkeypatch):
    assert settings_of(app.parse([])).token is None
    made = settings_of(app.parse(["--host", "0.0.0.0"])).token
    assert len(made) >= 30 and made != settings_of(app.parse(["--host", "::"])).token
    assert settings_of(app.parse(["--host", "0.0.0.0", "--insecure"])).token is None
    assert settings_of(app.parse(["--host", "0.0.0.0", "--insecure", "--token", "of the house"])).token == "of the house"
    for name, word in {"INSECURE": "1", "ALLOWED_HOSTS": "a.example, b.example", "FRAME_ANCESTORS": "*"}.items():
        monkeypatch.setenv(f"MATTING_{name}", word)
    settings = settings_of(app.parse(["--host", "0.0.0.0"]))
    assert (settings.token, settings.allowed_hosts, settings.frame_ancestors) == (None, ("a.example", "b.example"), "*")
    monkeypatch.setenv("MATTING_INSECURE", "0")
    assert settings_of(app.parse(["--host", "0.0.0.0"])).token


@pytest.mark.parametrize("token, given, is_open", [
    ("pässwort", "pässwort".encode(), True), ("pässwort", "pässwort".encode("latin-1"), True), ("密码" * 4, b"?" * 8, False),
    ("密码" * 4, ("密码" * 4).encode(), True), ("password", b"passwort", False), ("password", b"", False)])
def test_a_token_of_any_script(token, given, is_open):
    request = {"headers": [(b"authorization", b"bearer  " + given)]}
    assert Door(token).is_open(request) is is_open


class Waiting:
    """A connection of a ``Crowd``."""

    def __init__(self, address, heard, is_owing=True):
        self.client, self.heard, self.is_owing, self.gone = (address, 1), heard, is_owing, False
        self.transport = SimpleNamespace(abort=lambda: setattr(self, "gone", True))


def test_who_was_silent_longest_makes_room():
    crowd = Crowd(4)
    working, silent, fresh = (Waiting("127.0.0.1", heard, owes) for heard, owes in ((0, False), (1, True), (2, True)))
    assert all(crowd.admits(one) for one in (working, silent, fresh, Waiting("10.0.0.1", 3)))
    assert crowd.admits(Waiting("127.0.0.1", 4)) and (working.gone, silent.gone, fresh.gone) == (False, True, False)
    crowd = Crowd(2)
    assert all(crowd.admits(Waiting("127.0.0.1", 0, False)) for _ in range(2))
    assert not crowd.admits(Waiting("127.0.0.1", 1))


def test_one_address_has_half_of_the_places():
    crowd = Crowd(4)
    busy = [Waiting(address, 0, False) for address in ("2001:db8::1", "2001:db8::2:3")]  # one network
    assert all(crowd.admits(one) for one in busy) and not crowd.admits(Waiting("2001:db8::9", 1))
    assert crowd.admits(Waiting("::ffff:10.0.0.1", 1)) and crowd.admits(Waiting("::ffff:10.0.0.2", 1))
    crowd.left(busy[0])
    assert crowd.admits(Waiting("2001:db8::9", 1))


def test_messages_do_not_fill_the_disk():
    kept = io.StringIO()
    stream = Sparing(kept, most=100, seconds=0.05)
    print("x" * 20 + "\n" * 99, file=stream)
    assert len(kept.getvalue()) <= 100
    time.sleep(0.06)
    print("after", file=stream)
    assert kept.getvalue().endswith("left out here.\nafter\n")
