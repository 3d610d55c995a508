"""The running server under attack: the quick form of tests/faults/attack_server.py."""
import pytest

pytestmark = pytest.mark.slow


def test_nothing_gets_through():
    for name in ("gradio", "fastapi", "uvicorn"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    from tests.faults.attack_server import attack
    tally = attack(quick=True)
    assert tally.through == []
    assert min(tally.tried.values()) >= 5  # of every kind
