"""The weights that come along do on the sample benchmark what is promised of them."""
import json

import pytest

from bgmatting.commands import eval as script
from bgmatting.dataset import catalog
from bgmatting.dataset.generate.sets import write_set

MOST_SAD = 2.6


@pytest.mark.slow
def test_the_sample_benchmark(tmp_path, monkeypatch):
    """By eval.py itself, on the two generated sets that the protocol "sample" composes."""
    sample = tmp_path / "data" / "sample"
    write_set("PhotoMatte85", sample, 0, 1)
    write_set("Backgrounds", sample, 0, 1)
    monkeypatch.delenv("DATA_ROOT", raising=False)
    monkeypatch.setattr(catalog, "WORKPLACE", tmp_path)
    monkeypatch.setattr(catalog, "USUAL_ROOT", tmp_path / "data")
    script.main(["--output", str(tmp_path / "out"), "--device", "cpu"])
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["sample_data"] and results["protocol"]["name"] == "sample" and results["count"] == 16
    network, keying = (results["methods"][name]["mean"]["sad"] for name in ("network + unmix", "keying"))
    assert network <= MOST_SAD < keying
