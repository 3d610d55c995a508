"""Films of 10 bits, PQ and HLG: the depth, the tags and the light of the source are in the outputs."""
import types
from typing import NamedTuple

import av
import cv2
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.formats import chunks
from bgmatting.media.video import encoders
from bgmatting.media.video.light import Light, light_of
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.rendering import deepened, rendered
from bgmatting.prediction.video.pipeline import VideoJob, _lost, matte_frames
from tests.media.video.clips import Matte, StandIn
from tests.media.video.deep_clips import HDR, deep_rgb, first_frame, levels, make_deep, ramp

KEPT = 600  # of 876 levels that 10 bits have in limited range; 8 bits have at most 256


class Said(NamedTuple):
    """Side data of a frame, as PyAV has them."""
    type: str
    data: bytes

    def __bytes__(self):
        return self.data


class Subject(StandIn):
    """Everything is subject, in the colours of src, as the network sees them: of 8 bits."""

    def predict(self, src, bgr, want=Matte._fields, dtype=None):
        assert src.dtype == bgr.dtype == np.uint8
        line = np.linspace(0, 1, src.shape[1], dtype=np.float32)
        pha = np.repeat(line[None], src.shape[0], 0)
        return Matte(pha, src.astype(np.float32) / 255, pha, pha)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deep")
    make_deep(folder / "hdr.mp4", [ramp(), ramp(shift=100)])
    write_image(folder / "bgr.png", np.zeros((48, 1024, 3), np.uint8))
    return folder


def mattes(film, tmp_path, suffix, kinds=("fgr", "pha"), name="hdr.mp4", **more):
    outputs = {kind: tmp_path / f"{kind}{suffix}" for kind in kinds}
    return matte_frames(Subject, VideoJob(film / name, outputs, film / "bgr.png", **more))


@pytest.mark.parametrize("suffix, codec, pixels", [(".mov", "prores", "yuv444p12le yuv444p10le"),
                                                   (".mp4", "hevc", "yuv420p10le")])
def test_more_than_256_levels_and_the_tags(film, tmp_path, suffix, codec, pixels):
    report = mattes(film, tmp_path, suffix)
    assert report.done == 2 and report.notes == []
    frame, tags = first_frame(report.files["fgr"])
    assert frame.format.name in pixels and tags == HDR
    assert (frame.color_primaries, frame.color_trc, int(frame.colorspace)) == HDR[:3]  # the stream's own header
    image = deep_rgb(frame)
    assert min(levels(image)) > KEPT
    assert np.abs(image / 257 - ramp() / 257).mean() < 0.6  # of 255
    with av.open(str(report.files["fgr"])) as container:
        assert container.streams.video[0].codec_context.name.startswith(codec)
    pha, _ = first_frame(report.files["pha"])
    assert light_of(pha) == Light()  # a matte is no light
    if suffix == ".mp4":  # SMPTE ST 2086 and CTA 861.3, where the encoder takes them: HEVC
        assert light_of(frame).content == (1000, 400) and light_of(frame).mastering == pytest.approx(
            (.68, .32, .265, .69, .15, .06, .3127, .329, .005, 1000), abs=1e-4)
    assert levels(deep_rgb(pha))[0] > KEPT
    assert np.abs(deep_rgb(pha)[..., 0] / 65535 - np.linspace(0, 1, 1024)).max() < 0.012


def test_cut_out_keeps_colours_and_alpha(film, tmp_path):
    report = mattes(film, tmp_path, ".mov", ("com",))
    frame, tags = first_frame(report.files["com"])
    image = deep_rgb(frame, pixels="rgba64le")
    assert "yuva444" in frame.format.name and tags == HDR
    assert min(levels(image[:, 64:])) > KEPT and np.abs(image[..., 3] / 65535 - np.linspace(0, 1, 1024)).max() < 0.012


def test_pictures_of_16_bits_name_their_colours(film, tmp_path):
    report = mattes(film, tmp_path, "", ("com", "fgr"))
    for kind in ("com", "fgr"):
        path = report.files[kind] / "000001.png"
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image.dtype == np.uint16 and min(levels(image[:, 64:])) > KEPT
        data = path.read_bytes()
        assert [data[begin:end] for name, begin, end in chunks(data) if name == b"cICP"] == [bytes((9, 16, 0, 1))]


def test_before_a_background(film, tmp_path):
    """Half of it is the film's, of its depth; a background of a film or out of focus is as deep."""
    make_deep(tmp_path / "behind.mp4", [ramp(), ramp()])
    for name in (str(tmp_path / "behind.mp4"), "blur", "navy"):
        with open_backdrop(name) as backdrop:
            report = mattes(film, tmp_path / name.replace("/", "_"), ".mp4", ("com",), backdrop=backdrop)
        image = deep_rgb(first_frame(report.files["com"])[0])
        assert levels(image)[0] > KEPT, name
        if name == "navy":
            assert np.abs(image[:, :5] / 257 - (0, 0, 128)).max() < 3
    with open_backdrop(str(tmp_path / "behind.mp4")) as backdrop:
        assert min(levels(backdrop.frame(3, ramp(), None))) > KEPT  # read from the start again, at its depth
        assert backdrop.frame(3, np.zeros((48, 1024, 3), np.uint8), None).dtype == np.uint8


def test_what_is_not_kept_of_the_light_is_said():
    for data in (b"", b"x"):
        side = [Said(f"Type.{kind}", data) for kind in ("DOVI_METADATA", "DOVI_RPU_BUFFER", "DYNAMIC_HDR_PLUS")]
        assert light_of(types.SimpleNamespace(side_data=side)) == Light(changing=("Dolby Vision", "HDR10+"))
    job = VideoJob("a.mov", {"com": "com.mp4", "pha": "pha.mp4"}, "bgr.png")
    info = types.SimpleNamespace(depth=12, light=Light(changing=("Dolby Vision", "HDR10+")))
    writer = types.SimpleNamespace(bits=10)
    assert _lost(job, info, {"com": writer, "pha": writer}) == [
        "com.mp4 has 10 bits a colour; a.mov has 12. --format png keeps them.",
        "a.mov has Dolby Vision and HDR10+, which says anew for each scene how it is to be shown; that is not kept."]
    assert _lost(job, types.SimpleNamespace(depth=10, light=Light()), {"com": writer}) == []


def test_without_an_encoder_of_10_bits(film, tmp_path, monkeypatch):
    report = mattes(film, tmp_path, ".webm", ("com",))
    assert len(report.notes) == 1 and "com.webm has 8 bits a colour" in report.notes[0] and "has 10" in report.notes[0]
    monkeypatch.setattr(encoders, "_takes", lambda codec, pixels: False)
    report = mattes(film, tmp_path, ".mp4", ("fgr",))
    assert first_frame(report.files["fgr"])[0].format.name == "yuv420p" and "has 8 bits" in report.notes[0]
    monkeypatch.setattr(encoders, "_takes", lambda codec, pixels: codec == "libx264")
    report = mattes(film, tmp_path / "2", ".mp4", ("fgr",))
    assert first_frame(report.files["fgr"])[0].format.name == "yuv420p10le" and report.notes == []


def test_odd_sizes(tmp_path):
    make_deep(tmp_path / "hdr.mp4", [ramp(49, 1023)], pixels="yuv444p10le")
    write_image(tmp_path / "bgr.png", np.zeros((49, 1023, 3), np.uint8))
    make_deep(tmp_path / "tiny.mov", [ramp(8, 8)], "prores_ks", "yuv444p10le")
    report = mattes(tmp_path, tmp_path / "o", ".mp4", ("fgr",))
    frame, _ = first_frame(report.files["fgr"])
    assert (frame.width, frame.height, frame.format.name) == (1023, 49, "yuv444p10le")
    report = mattes(tmp_path, tmp_path / "o", ".mp4", ("fgr",), name="tiny.mov", fit="resize")  # too small for HEVC
    assert first_frame(report.files["fgr"])[0].format.name == "yuv420p10le"


def test_the_network_s_correction_is_kept():
    """fgr = deep + what the network added to the rounded picture."""
    deep = ramp(2, 1024)
    src = np.rint(deep / 257).astype(np.uint8)
    added = np.float32([0.1, 0, -0.1])
    fgr = np.clip(src / np.float32(255) + added, 0, 1).astype(np.float32)
    made = deepened(Matte(None, fgr, None, None), src, deep)
    wanted = np.clip(deep / 65535 + added, 0, 1)
    picture = rendered(made, ("fgr",), bits=16)["fgr"]
    assert picture.dtype == np.uint16 and np.abs(picture / 65535 - wanted).max() <= 0.5 / 255 + 1e-4
    inside = (wanted > 0.01) & (wanted < 0.99)
    assert np.abs(picture / 65535 - wanted)[inside].max() < 2 / 65535
