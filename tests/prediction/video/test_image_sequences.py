"""Numbered images as a video, plates to the half float, and raw frames through pipes."""
import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bgmatting.media import read_image, write_image
from bgmatting.media.exr_dpx import Facts, off_curve, read_plate, write_exr
from bgmatting.media.video.reader import open_video
from bgmatting.media.video.sequence import RawReader, SequenceReader, is_sequence, name_of, numbered, ranges
from bgmatting.prediction.core import matte
from bgmatting.prediction.options import PHOTO, PHOTOS, SEQUENCE
from bgmatting.prediction.source import Source
from bgmatting.utils.errors import UserError
from tests.prediction.command import StandIn

pytest.importorskip("av", minversion="14")


class Network(StandIn):
    def predict(self, src, bgr, want=(), dtype=None):
        return super().predict(src, bgr, want)


def run(src, **options):
    return matte(str(src), matter=Network(), align="off", exposure="off", **options)


@pytest.fixture
def shot(tmp_path):
    """shot/f_0008.png to f_0012.png without 10, each of one gray level, its number; f_008.png of another sequence."""
    for number in (8, 9, 11, 12):
        write_image(tmp_path / "shot" / f"f_{number:04d}.png", np.full((4, 6, 3), number, np.uint8))
    write_image(tmp_path / "shot" / "f_008.png", np.zeros((4, 6, 3), np.uint8))
    write_image(tmp_path / "bgr.png", np.zeros((4, 6, 3), np.uint8))
    return tmp_path


def test_patterns(shot, monkeypatch):
    for pattern in ("f_####.png", "f_%04d.png"):
        assert list(numbered(shot / "shot" / pattern).files) == [8, 9, 11, 12]
        assert is_sequence(shot / "shot" / pattern) and Source(shot / "shot" / pattern).kind == SEQUENCE
    assert list(numbered(shot / "shot" / "f_###.png").files) == [8]
    for digits in ("0999", "1000", "10000"):
        write_image(shot / f"g.{digits}.png", np.zeros((4, 6, 3), np.uint8))
    assert list(numbered(shot / "g.####.png").files) == [999, 1000, 10000]
    for bad in ("f_#####.png", "f_#.jpg", "##_f_##.png"):
        with pytest.raises(UserError):
            numbered(shot / "shot" / bad)
    with pytest.raises(UserError) as error:
        numbered(shot / "shot" / "f_#######.png")
    assert "name f_####.png" in str(error.value)  # what would find the first of those that are there
    write_image(shot / "a#.png", np.zeros((4, 6, 3), np.uint8))  # a file of that name is that file
    assert Source(shot / "a#.png").kind == PHOTO and Source(shot / "shot").kind == PHOTOS
    assert not is_sequence("http://host/f_####.png") and is_sequence("plate.exr")
    write_image(shot / "real.png", np.zeros((4, 6, 3), np.uint8))
    (shot / "real.png").rename(shot / "named.exr")  # the content decides
    assert Source(shot / "named.exr").kind == PHOTO
    assert [name_of(path) for path in ("x/f_####.png", "x/a.%04d.exr", "x/####.png")] == ["f", "a", "x"]
    assert ranges([3, 5, 6, 7, 9]) == "3, 5-7, 9"


def test_times_and_what_is_missing(shot):
    reader = SequenceReader(shot / "shot" / "f_####.png", Fraction(25))
    frames = list(reader)
    assert [frame.image[0, 0, 0] for frame in frames] == [8, 9, 11, 12]
    assert [(frame.pts * 25, frame.duration * 25) for frame in frames] == [(0, 1), (1, 2), (3, 1), (4, 1)]
    said = reader.note.replace(str(shot), "")  # the folder's name may have a number too
    assert said.count("10") == 1 and not reader.damaged
    (shot / "shot" / "f_0011.png").write_bytes(b"\x89PNG")
    write_image(shot / "shot" / "f_0013.png", np.zeros((5, 5, 3), np.uint8))  # of another size
    reader = SequenceReader(shot / "shot" / "f_####.png")
    assert [frame.image[0, 0, 0] for frame in reader] == [8, 9, 12] and reader.damaged == 2
    assert "10-11" in reader.note and "f_0011.png" in reader.note


def test_results_have_the_numbers_of_the_source(shot):
    report = run(shot / "shot" / "f_%04d.png", bgr=str(shot / "bgr.png"), type=("fgr", "pha"), output=str(shot / "o"),
                 frame_rate=30)
    assert report.done == 4 and len(report.notes) == 1 and set(report.files) == {"fgr", "pha"}
    names = sorted(path.name for path in (shot / "o" / "f_fgr").glob("*.png"))
    assert names == ["000008.png", "000009.png", "000011.png", "000012.png"]
    assert [read_image(shot / "o" / "f_fgr" / name)[0, 0, 0] for name in names] == [8, 9, 11, 12]
    again = run(shot / "o" / "f_fgr" / "######.png", bgr=str(shot / "bgr.png"), type=("fgr",), output=str(shot / "o2"),
                format="mp4", frame_rate=30)
    with open_video(again.files["fgr"]) as video:
        assert [frame.pts * 30 for frame in video] == [0, 1, 3, 4]
    (shot / "o" / "f_fgr" / "000008.png").rename(shot / "o" / "f_fgr" / "f8.png")
    with pytest.raises(UserError, match="input"):  # into its own folder
        run(shot / "o" / "f_fgr" / "f#.png", bgr=str(shot / "bgr.png"), type=("fgr",), output=str(shot / "o"))


def test_a_dot_in_the_name_of_a_sequence(shot):
    for number in (1, 2):
        write_image(shot / "shot" / f"s.v002.{number:04d}.png", np.full((4, 6, 3), number, np.uint8))
    given = {"bgr": str(shot / "bgr.png"), "type": ("pha", "com"), "output": str(shot / "o")}
    for more in ({}, {"overwrite": True}):
        report = run(shot / "shot" / "s.v002.####.png", **given, **more)
        assert {kind: path.name for kind, path in report.files.items()} == {"pha": "s.v002_pha", "com": "s.v002_com"}
        for path in report.paths:
            assert sorted(file.name for file in path.iterdir()) == ["000001.png", "000002.png", "timestamps.txt"]


def test_plates_go_with_their_numbers(shot):
    for number in (7, 8, 9, 10, 11, 12):
        write_image(shot / "rooms" / f"r{number:02d}.png", np.full((4, 6, 3), number, np.uint8))
    report = run(shot / "shot" / "f_####.png", bgr=str(shot / "rooms" / "r##.png"), type=("pha",), output=str(shot / "o"))
    assert report.done == 4
    assert not any(read_image(path).any() for path in (shot / "o" / "f_pha").glob("*.png"))  # each as its plate


def test_a_sequence_behind_a_sequence_goes_image_by_image(tmp_path):
    for number in range(40):
        write_image(tmp_path / f"f_{number:04d}.png", np.zeros((4, 6, 3), np.uint8))
        write_image(tmp_path / f"t_{number:04d}.png", np.full((4, 6, 3), 100 + number, np.uint8))
    report = run(tmp_path / "f_####.png", bgr=str(tmp_path / "f_0000.png"), type=("com",), output=str(tmp_path / "o"),
                 frame_rate=30, target_bgr=str(tmp_path / "t_####.png"))
    found = [read_image(report.files["com"] / f"{number:06d}.png")[0, 0, 0] for number in range(40)]
    assert found == list(range(100, 140))


def test_one_option_for_one_kind(shot):
    src = str(shot / "shot" / "f_####.png")
    for kind, options in ((src, {"frame_rate": "x"}), (src, {"frame_rate": 0}), (src, {"size": "4x6"}), (src, {"crop": 1}),
                          (str(shot / "bgr.png"), {"frame_rate": 25}), (str(shot / "bgr.png"), {"format": "exr"})):
        with pytest.raises(UserError):
            run(kind, bgr=str(shot / "bgr.png"), output=str(shot / "o"), **options)
    assert not (shot / "o").exists()


@pytest.mark.parametrize("bgr", ["room.exr", "room.####.exr", "median", "first:2"])
def test_every_plate_is_taken_to_be_premultiplied(tmp_path, monkeypatch, bgr):
    """Plates of one gray level, their file's content, which has been multiplied by an alpha of a half."""
    def read(path, premultiplied=False):
        level = float(path.read_text()) * (2 if premultiplied else 1)
        return np.full((4, 6, 3), level, np.float32), Facts(6, 4)
    monkeypatch.setattr("bgmatting.media.video.sequence.read_plate", lambda path, *rest: read(Path(path), *rest))
    for number in (1, 2):
        (tmp_path / f"s.{number:04d}.exr").write_text("0.2")
        (tmp_path / f"room.{number:04d}.exr").write_text("0.2")
        (tmp_path / f"beach.{number:04d}.exr").write_text("0.4")
    (tmp_path / "room.exr").write_text("0.2")
    (tmp_path / "beach.exr").write_text("0.4")
    bgr = str(tmp_path / bgr) if bgr.startswith("room") else bgr
    for target, level in ((None, 0), ("beach.exr", 204), ("beach.####.exr", 204)):  # 0.8 of 255
        report = run(tmp_path / "s.####.exr", bgr=bgr, output=str(tmp_path / "o"), type=("pha", "com"), format="png",
                     target_bgr=target and str(tmp_path / target), premultiplied=True, overwrite=True)
        assert report.done == 2
        for path in (tmp_path / "o").rglob("*.png"):
            assert (read_image(path) == (level if path.parent.name == "s_com" else 0)).all(), path


def test_plates_come_back_to_the_half_float(tmp_path):
    pytest.importorskip("OpenImageIO")
    scene = np.random.default_rng(2).lognormal(-1, 1, (6, 8, 3)).astype(np.float32)
    facts, lights = Facts(8, 6, Fraction(2), Fraction(24000, 1001)), {}
    write_exr(tmp_path / "plate.exr", scene, facts)
    for number in (1001, 1002):
        lights[number] = scene.copy()
        lights[number][2:4, 3:6] = np.random.default_rng(number).uniform(0, 9, (2, 3, 3))
        write_exr(tmp_path / f"s.v2.{number}.exr", lights[number], facts)
    given = {"bgr": str(tmp_path / "plate.exr"), "output": str(tmp_path / "o")}
    report = run(tmp_path / "s.v2.####.exr", type=("pha", "fgr", "com"), **given)
    assert {kind: path.name for kind, path in report.files.items()} == {"pha": "s.v2_pha", "fgr": "s.v2_fgr",
                                                                     "com": "s.v2_com"}
    inside = np.zeros((6, 8, 1), np.float32)
    inside[2:4, 3:6] = 1
    for number, light in lights.items():
        half = light.astype(np.float16)
        made = {kind: read_plate(path / f"00{number}.exr") for kind, path in report.files.items()}
        assert np.array_equal(off_curve(made["fgr"][0]).astype(np.float16), half)
        assert np.array_equal(off_curve(made["com"][0]).astype(np.float16), half * inside)
        assert np.array_equal(off_curve(made["pha"][0]), np.repeat(inside, 3, 2))
        assert made["com"][1] == facts
    before = run(tmp_path / "s.v2.####.exr", type=("com",), target_bgr="white", overwrite=True, **given)
    com = off_curve(read_plate(before.files["com"] / "001001.exr")[0])
    assert np.allclose(com, lights[1001] * inside + 1 - inside, rtol=2e-3)
    assert run(tmp_path / "s.v2.####.exr", type=("com",), format="mov", **given).done == 2


def test_raw_frames(shot):
    frames = [np.full((4, 6, 3), level, np.uint8) for level in (0, 50, 90)]
    frames[1][0, 0] = 0
    written = io.BytesIO()
    report = run("-", size="6x4", bgr=str(shot / "bgr.png"), output="-", stdout=written,
                 stdin=io.BytesIO(b"".join(frame.tobytes() for frame in frames) + b"more"))
    found = np.frombuffer(written.getvalue(), np.uint8).reshape(3, 4, 6, 4)
    assert report.done == 3 and len(report.notes) == 1
    for frame, com in zip(frames, found):
        assert np.array_equal(com[..., :3], frame) and np.array_equal(com[..., 3] > 0, frame[..., 0] > 0)
    run(shot / "shot" / "f_####.png", bgr=str(shot / "bgr.png"), type=("fgr",), output=str(shot / "o"), format="mov")
    piped = io.BytesIO()
    run(shot / "o" / "f_fgr.mov", bgr=str(shot / "bgr.png"), type=("pha",), output="-", stdout=piped)
    assert len(piped.getvalue()) == 4 * 6 * 4
    with pytest.raises(UserError):
        RawReader(io.BytesIO(b"123"), (6, 4))
    for options in ({"size": "6"}, {"size": "0x4"}, {"size": "6x4", "bgr": "median"},
                    {"size": "6x4", "type": ("pha", "com")}):
        with pytest.raises(UserError):
            run("-", **{"bgr": str(shot / "bgr.png"), "output": "-", "stdin": io.BytesIO(bytes(72)), **options})
