"""Nothing here may reach for the network."""
import socket

import pytest


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Any attempt to reach the network fails the test."""
    def refuse(*_args, **_kwargs):
        raise AssertionError("the generator reached for the network")
    monkeypatch.setattr(socket.socket, "connect", refuse)
