"""What a weights file's header says is done unless the caller says otherwise, and told."""
import pytest

from bgmatting.commands import export
from bgmatting.media import write_image
from bgmatting.model import Matter, MattingRefine
from bgmatting.model.weights import save_weights
from bgmatting.model.weights.metadata import origin_facts, refine_facts
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import photos
from tests.model.reference import reference_network

KEYS = ("backbone_scale", "refine_mode", "sample_pixels", "threshold")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    network = reference_network(MattingRefine, "mobilenetv2", 0.125, "thresholding", 1600, 0.3)
    path = tmp_path_factory.mktemp("weights") / "told.safetensors"
    save_weights(network, path, {**refine_facts(network), **origin_facts("VideoMatte240K", 12)})
    return path


def test_the_header_decides_and_the_caller_above_it(told):
    matter = Matter(told, "paddle", "cpu")
    assert [matter.settings[key] for key in KEYS] == [0.125, "thresholding", 1600, 0.3]
    assert matter.settings.told_by_weights == (
        "backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold")
    other = Matter(told, "paddle", "cpu", 0.25, "sampling", 480)
    assert [other.settings[key] for key in KEYS] == [0.25, "sampling", 480, 0.3]
    assert other.settings.told_by_weights == ("refine_threshold",)
    assert matter.predict(*photos(64, 96)).ref.sum() != other.predict(*photos(64, 96)).ref.sum() == 480


def test_a_header_that_cannot_be(tmp_path):
    save_weights(MattingRefine("mobilenetv3"), tmp_path / "w.safetensors", {"backbone_scale": "0.75"})
    with pytest.raises(UserError, match="w.safetensors.*0"):
        Matter(tmp_path / "w.safetensors", "paddle", "cpu", 0.25)


@pytest.mark.slow
def test_exports_are_made_as_the_header_says(told, tmp_path, capsys):
    for name, photo in zip(("src", "bgr"), photos(64, 96)):
        write_image(tmp_path / f"{name}.png", photo)
    export.main(["--weights", str(told), "--format", "paddle", "--output", str(tmp_path / "m"), "--threshold", "0.4",
                 "--src", str(tmp_path / "src.png"), "--bgr", str(tmp_path / "bgr.png")])
    facts = dict(line.split(": ") for line in (tmp_path / "m.txt").read_text().splitlines())
    assert [facts[key] for key in ("backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold")] == [
        "0.125", "thresholding", "1600", "0.4"]
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith("; backbone_scale 0.125, as its header says; refine_mode thresholding, as its header says; "
                         "refine_sample_pixels 1600, as its header says")
