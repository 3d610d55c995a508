"""A disk that fills up in the middle: the video written so far is finished and plays, or there is no file."""
import errno
import os
from fractions import Fraction

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.video import disk
from bgmatting.media.video.colour import Colour
from bgmatting.media.video.reader import Info
from bgmatting.media.video.writer import open_writer
from bgmatting.prediction.video.pipeline import VideoJob, matte_frames
from bgmatting.utils.cli import run_main
from tests.media.video.clips import HEIGHT, RATE, WIDTH, StandIn, decoded, make_clip

INFO = Info(WIDTH, HEIGHT, Fraction(RATE), Fraction(1, 12800), Colour(), None, None, False, Fraction(1))
NOISE = [np.random.default_rng(index).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for index in range(60)]


class SmallDisk:
    """Stands before ``open`` in media.video.disk: files written raw share ``room`` bytes, and a reserve counts."""

    def __init__(self, room, reserve=400_000):
        self.room, self.reserve, self.spares = room, reserve, set()

    def open(self, name, mode, buffering=-1):
        disk_self = self
        if str(name).endswith(".reserve"):
            self.spares.add(str(name))
            self.room -= self.reserve
            return open(name, mode)

        class File:
            def __init__(self):
                self._file, self._end = open(name, mode, buffering=buffering), 0  # noqa: SIM115

            def write(self, data):
                lost = [spare for spare in list(disk_self.spares) if not os.path.exists(spare)]
                for spare in lost:  # the reserve was given back
                    disk_self.spares.remove(spare)
                    disk_self.room += disk_self.reserve
                grows = max(0, self._file.tell() + len(data) - self._end)
                if grows > disk_self.room:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                disk_self.room -= grows
                self._end += grows
                return self._file.write(data)

            def __getattr__(self, name):
                return getattr(self._file, name)

        return File()


def fill(path, alpha=False):
    """Write NOISE until the disk is full; (writer, error)."""
    writer = open_writer(path, INFO, alpha)
    error = None
    for index, image in enumerate(NOISE * 20):
        image = np.dstack((image, image[..., 0])) if alpha else image
        try:
            writer.write(image, Fraction(index, RATE), Fraction(1, RATE))
        except OSError as caught:
            error = caught
            break
    return writer, error


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_full_disk_leaves_a_video_that_plays(tmp_path, monkeypatch, name):
    monkeypatch.setattr("bgmatting.media.video.writer.RESERVE", 2_000_000)
    monkeypatch.setattr(disk, "open", SmallDisk(2_600_000, 2_000_000).open, raising=False)
    writer, error = fill(tmp_path / name, alpha=name != "a.mp4")
    assert error.errno == errno.ENOSPC and error.filename == str(tmp_path / name)
    written = writer.frames
    writer.close()
    assert len(decoded(tmp_path / name)) == written > 20
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_without_any_room_there_is_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "open", SmallDisk(300_000, reserve=0).open, raising=False)
    writer, error = fill(tmp_path / "a.mp4")
    assert error is not None
    with pytest.raises(OSError) as caught:
        writer.close()
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_full_disk_keeps_whole_pictures(tmp_path, monkeypatch):
    from pathlib import Path
    real = Path.write_bytes

    def write_bytes(self, data):
        if self.name == "000003.png":
            real(self, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    writer, error = fill(tmp_path / "a")
    assert error.errno == errno.ENOSPC
    writer.close()
    assert sorted(path.name for path in (tmp_path / "a").iterdir())[:-1] == [f"00000{index}.png" for index in range(3)]


def test_the_whole_run_ends_with_a_message(tmp_path, monkeypatch, capsys):
    make_clip(tmp_path / "src.mp4", images=NOISE)
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    monkeypatch.setattr("bgmatting.media.video.writer.RESERVE", 200_000)
    monkeypatch.setattr(disk, "open", SmallDisk(600_000, reserve=200_000).open, raising=False)
    job = VideoJob(tmp_path / "src.mp4", {"fgr": tmp_path / "o" / "fgr.mov", "pha": tmp_path / "o" / "pha.mp4"},
                   tmp_path / "bgr.png")
    with pytest.raises(OSError) as caught:
        matte_frames(StandIn, job)
    report = caught.value.report
    assert caught.value.errno == errno.ENOSPC and 0 < report.done < 60
    assert len(decoded(report.files["fgr"])) >= report.done and len(decoded(report.files["pha"])) >= report.done
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["fgr.mov", "pha.mp4"]

    def main(argv):
        raise caught.value
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert ended.value.code == 2 and "no space left" in capsys.readouterr().err
