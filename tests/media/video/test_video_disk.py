"""A disk that fills up in the middle: the video written so far is finished and plays, or there is no file."""
import errno
import os
import shlex
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av", minversion="14")
from bgmatting.media import write_image  # noqa: E402
from bgmatting.media.video import disk  # noqa: E402
from bgmatting.media.video.colour import Colour  # noqa: E402
from bgmatting.media.video.reader import Info  # noqa: E402
from bgmatting.media.video.writer import open_writer  # noqa: E402
from bgmatting.prediction.video.pipeline import VideoJob, matte_video  # noqa: E402
from bgmatting.utils.cli import run_main  # noqa: E402
from tests.media.video.clips import HEIGHT, RATE, WIDTH, StandIn, decoded, make_clip  # noqa: E402

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
                lost = [spare for spare in disk_self.spares if not os.path.exists(spare)]
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
        matte_video(StandIn, job)
    report = caught.value.report
    assert caught.value.errno == errno.ENOSPC and 0 < report.frames < 60
    assert len(decoded(report.files["fgr"])) >= report.frames and len(decoded(report.files["pha"])) >= report.frames
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["fgr.mov", "pha.mp4"]

    def main(argv):
        raise caught.value
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert ended.value.code == 2 and "no space left" in capsys.readouterr().err


SCRIPT = """
import sys
sys.path[:0] = sys.argv[3:]
from tests.media.video.clips import StandIn, decoded, make_clip
from test_video_disk import NOISE, VideoJob, matte_video
try:
    matte_video(StandIn, VideoJob(sys.argv[1], {"fgr": sys.argv[2] + "/fgr.mov"}, "first:1"))
except OSError as error:
    report = error.report
    print(error.errno, report.frames, len(decoded(report.files["fgr"])))
import os
print(os.listdir(sys.argv[2]))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a small disk of its own")
def test_a_disk_that_is_really_full(tmp_path):
    make_clip(tmp_path / "src.mp4", images=NOISE)
    (tmp_path / "disk").mkdir()
    here, project = os.path.dirname(__file__), os.getcwd()
    mount = shlex.join(["mount", "-t", "tmpfs", "-o", "size=300k", "small", str(tmp_path / "disk")])
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("mounting is not allowed")
    (tmp_path / "try.py").write_text(SCRIPT)
    words = [sys.executable, tmp_path / "try.py", tmp_path / "src.mp4", tmp_path / "disk", here, project]
    command = f"{mount} && exec {shlex.join(map(str, words))}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", command], capture_output=True, text=True, timeout=60)
    first, second = done.stdout.splitlines()
    number, frames, played = map(int, first.split())
    assert number == errno.ENOSPC and 0 < frames < 60 and played == frames and second == "['fgr.mov']", done
