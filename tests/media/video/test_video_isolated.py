"""A video read in another process: the same frames and sound, whatever is written of it."""
from dataclasses import dataclass

import numpy as np
import pytest

from bgmatting.media.decoding import Isolated
from bgmatting.media.video.isolated import CLASSES, MODULE, IsolatedReader
from bgmatting.media.video.reader import open_video
from bgmatting.media.video.writer import open_writer
from bgmatting.utils.errors import UserError
from bgmatting.utils.isolation import Limits, Workers
from tests.media.video.clips import decoded, make_clip
from tests.media.video.test_video_sound import heard, many_channels


@pytest.fixture(scope="module")
def workers():
    with Workers(1, Limits(), [MODULE], CLASSES) as found:
        yield Isolated(found, found)


@dataclass
class Written:
    """What came of one reading."""
    warning: str
    damaged: int
    frames: int


def written(reader, target):
    with reader:
        writer = open_writer(target, reader.info, audio=reader.audio)
        reader.want_samples(writer.needs_samples)
        reader.want_depth(writer.bits > 8)
        for frame in reader.items():
            image = frame.image if frame.deep is None else frame.deep
            writer.write(image, frame.pts, frame.duration, frame.audio)
        writer.close()
    return Written(writer.warning, reader.damaged, writer.frames)


@pytest.mark.parametrize("name, codec, layout, kind, target", [  # copied, and encoded anew
    ("a.mp4", "aac", "stereo", "fltp", "b.mp4"), ("a.mkv", "libopus", "7.1", "flt", "b.mov"),
    ("a.mov", "pcm_s16le", "mono", "s16", "b.webm"), ("a.mkv", "ac3", "5.1", "fltp", "b.webm")])
def test_what_is_written_is_the_same(tmp_path, workers, name, codec, layout, kind, target):
    many_channels(tmp_path / name, codec, layout, kind)
    here = written(open_video(tmp_path / name), tmp_path / target)
    there = written(IsolatedReader(workers, tmp_path / name), tmp_path / f"there_{target}")
    assert there == here and there.warning is None and there.frames == 25
    for (image, time), (other, at) in zip(decoded(tmp_path / target), decoded(tmp_path / f"there_{target}")):
        assert time == at
        np.testing.assert_array_equal(image, other)
    if codec == "ac3" and target == "b.webm" or layout != "7.1":
        (wave, rate, found), (other, other_rate, other_found) = heard(tmp_path / target), heard(tmp_path / f"there_{target}")
        assert (rate, found) == (other_rate, other_found)
        assert len(wave) == len(other) and np.abs(wave - other).max() < 0.01


def test_deep_frames_and_errors(tmp_path, workers):
    make_clip(tmp_path / "a.mov", 5, codec="prores_ks", pixels="yuv422p10le", options={})
    with IsolatedReader(workers, tmp_path / "a.mov") as there, open_video(tmp_path / "a.mov") as here:
        assert there.info == here.info and there.audio is None
        for reader in (there, here):
            reader.want_depth(True)
        for frame, other in zip(there, here):
            np.testing.assert_array_equal(frame.deep, other.deep)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    for reading in (open_video, lambda path: IsolatedReader(workers, path)):
        with pytest.raises(UserError, match="b.mp4"):
            reading(tmp_path / "b.mp4")
