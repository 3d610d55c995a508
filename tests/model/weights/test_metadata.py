"""A weights file says what its network is meant to be run with, and what it says is checked."""
import pytest

from bgmatting.model import MattingRefine
from bgmatting.model.weights import read_weights, save_weights
from bgmatting.model.weights.metadata import ORIGIN, SETTINGS, origin_facts, refine_facts, stored_settings
from bgmatting.utils.errors import UserError


def test_settings_survive_the_file(tmp_path):
    network = MattingRefine("mobilenetv3", 0.125, "thresholding", 1600, 0.3, 1)
    save_weights(network, tmp_path / "w.safetensors", {**refine_facts(network), **origin_facts("VideoMatte240K", 1200)})
    metadata = read_weights(tmp_path / "w.safetensors")[1]
    assert set(metadata) == {*SETTINGS, *ORIGIN} and all(isinstance(value, str) for value in metadata.values())
    assert (metadata["data"], metadata["iterations"], metadata["version"]) == ("VideoMatte240K", "1200", "1")
    assert stored_settings(metadata, "w.safetensors") == {
        "backbone_scale": 0.125, "refine_mode": "thresholding", "refine_sample_pixels": 1600, "refine_threshold": 0.3,
        "refine_kernel_size": 1}
    assert stored_settings({}, "w") == {} and stored_settings({"refine_threshold": "0"}, "w") == {"refine_threshold": 0.0}
    assert "data" not in origin_facts()


@pytest.mark.parametrize("key, value, said", [
    ("backbone_scale", "1.25", "at most 1, not 1.25"), ("backbone_scale", "wide", "backbone_scale is no number"),
    ("backbone_scale", "nan", "not nan"), ("refine_mode", "ful", "unknown refine mode 'ful'"),
    ("refine_sample_pixels", "1e3", "refine_sample_pixels is no number, but '1e3'"),
    ("refine_sample_pixels", "-1", "at least 0, not -1"), ("refine_threshold", "2", "in 0..1, not 2.0")])
def test_headers_that_cannot_be(key, value, said):
    with pytest.raises(UserError) as error:
        stored_settings({key: value}, "w.safetensors")
    assert str(error.value).startswith("the header of w.safetensors cannot be used: ") and said in str(error.value)
