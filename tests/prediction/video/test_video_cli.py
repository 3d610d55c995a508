"""The command line of a video: names, refusals before any work, Ctrl-C, and what is said."""
import functools
import http.server
import io
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import write_image
from bgmatting.prediction import core
from bgmatting.prediction.options import Options
from bgmatting.prediction.progress import Shown
from bgmatting.prediction.video.plan import video_outputs
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, RATE, WIDTH, StandIn, decoded, make_clip, picture


@pytest.fixture
def options(tmp_path):
    """Those for a clip of 12 frames with sound."""
    make_clip(tmp_path / "clip.mp4", 12, audio="aac")
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return Options(src=str(tmp_path / "clip.mp4"), bgr=str(tmp_path / "bgr.png"), output=str(tmp_path / "out"), align="off",
                   exposure="off")


def run(options):
    """As predict.py: its exit code."""
    source, options = core.settled(None, options, True)
    return predict._show(source, options, core.matte(source, options, StandIn()))


def names(options):
    return sorted(os.listdir(options.output)) if os.path.isdir(options.output) else []


def refused(options, *words):
    before = names(options)
    with pytest.raises(UserError) as caught:
        core.matte(None, options, lambda given: pytest.fail("the network was opened"))
    for word in words:
        assert word in str(caught.value)
    assert names(options) == before


def test_names():
    def found(*rest):
        return {word: path.as_posix() for word, path in video_outputs("in/clip.mp4", "out", ("pha", "com"), *rest).items()}
    assert found(True) == {"pha": "out/clip_pha.mp4", "com": "out/clip_com.mov"}
    assert found(False) == {"pha": "out/clip_pha.mp4", "com": "out/clip_com.mp4"}
    assert found(True, "webm") == {"pha": "out/clip_pha.webm", "com": "out/clip_com.webm"}
    assert found(True, "png") == {"pha": "out/clip_pha", "com": "out/clip_com"}
    dotted = video_outputs("in/clip.v2.mov", "out.d", ("pha",), True, "png")
    assert dotted["pha"].as_posix() == "out.d/clip.v2_pha"
    live = video_outputs("rtsp://host/live/main.cam?id=1", "out", ("pha",), True)
    assert live["pha"].as_posix() == "out/main_pha.mp4"


def test_a_whole_command_and_its_existing_outputs(options, capsys):
    assert run(options) == 0
    assert names(options) == ["clip_com.mov", "clip_pha.mp4"]
    assert "clip_com.mov" in capsys.readouterr().out
    for name in names(options):
        with av.open(os.path.join(options.output, name)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert video.frames == 12 and video.average_rate == RATE and audio.codec_context.name == "aac"
            assert container.duration / 1e6 == pytest.approx(12 / RATE, abs=0.05)
    refused(options, "clip_pha.mp4", "--overwrite")
    assert run(replace(options, overwrite=True)) == 0
    options = replace(options, type=("pha",), format="png")
    assert run(options) == 0
    refused(options, "clip_pha exists")
    options = replace(options, overwrite=True)
    with open(os.path.join(options.output, "clip_pha", "notes.txt"), "w") as file:
        file.write("mine")
    refused(options, "notes.txt")


def test_a_dot_in_the_name_of_a_video(options, tmp_path):
    os.rename(options.src, tmp_path / "clip.v2.mp4")
    options = replace(options, src=str(tmp_path / "clip.v2.mp4"), format="png")
    assert run(options) == 0 and names(options) == ["clip.v2_com", "clip.v2_pha"]
    assert len(os.listdir(os.path.join(options.output, "clip.v2_pha"))) == 12 + 1
    refused(options, "clip.v2_pha exists")
    options = replace(options, overwrite=True)
    assert run(options) == 0
    with open(os.path.join(options.output, "clip.v2_pha", "notes.txt"), "w") as file:
        file.write("mine")
    refused(options, "notes.txt")
    options = replace(options, format=None, output=str(tmp_path / "films"))
    assert run(options) == 0 and names(options) == ["clip.v2_com.mov", "clip.v2_pha.mp4"]
    os.remove(tmp_path / "films" / "clip.v2_pha.mp4")
    os.mkdir(tmp_path / "films" / "clip.v2_pha.mp4")
    refused(options, "is a folder")


def test_what_is_refused_before_any_work(options, tmp_path):
    for change, words in (({"format": "mp4"}, "mov, webm, png"), ({"format": "avi"}, "unknown format 'avi'"),
                          ({"bgr": "first:x"}, "first:30"), ({"bgr": str(tmp_path / "none.png")}, "none.png"),
                          ({"output": str(tmp_path / "me.mp4")}, "looks like a file"),
                          ({"output": str(tmp_path / "me.gif")}, "me.gif looks like a file; for a video it is the folder")):
        refused(replace(options, **change), words)
    write_image(tmp_path / "wide.png", np.zeros((HEIGHT, WIDTH + 4, 3), np.uint8))
    options = replace(options, bgr=str(tmp_path / "wide.png"))
    refused(options, f"{WIDTH + 4}x{HEIGHT}", f"{WIDTH}x{HEIGHT}", "--fit")
    assert run(replace(options, fit="crop")) == 0


def test_an_output_is_never_an_input(options, tmp_path):
    os.makedirs(options.output)
    os.rename(options.src, os.path.join(options.output, "clip_pha.mp4"))
    os.symlink(os.path.join(options.output, "clip_pha.mp4"), options.src)
    refused(replace(options, type=("pha",), overwrite=True), "is an input")
    write_image(Path(options.output, "clip_com", "000000.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    write_image(Path(options.output, "clip_com", "000001.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    options = replace(options, type=("com",), format="png", overwrite=True)
    for image in ("000000.png", "######.png"):  # the folder would be replaced as a whole
        refused(replace(options, target_bgr=os.path.join(options.output, "clip_com", image)), "clip_com")
        assert len(os.listdir(os.path.join(options.output, "clip_com"))) == 2


def test_a_clip_that_is_cut_short_is_told(options, tmp_path, capsys):
    make_clip(tmp_path / "clip.mkv", 40, options={"g": "5", "crf": "4", "bf": "0"})
    data = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "clip.mkv").write_bytes(data[:len(data) // 2])
    assert run(replace(options, src=str(tmp_path / "clip.mkv"))) == 0
    said = capsys.readouterr()
    frames = len(decoded(tmp_path / "out" / "clip_pha.mp4"))
    assert frames < 35 and f"{frames} frames" in said.out
    assert f"clip.mkv ends {1.6 - frames / RATE:.1f} s before its header says" in said.err


def test_damage_is_counted(options, tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = [np.clip(picture(index) + rng.normal(0, 12, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
              for index in range(30)]
    make_clip(options.src, images=images, options={"g": "3"})
    data = bytearray(Path(options.src).read_bytes())
    for at in rng.integers(200, len(data) // 2, 20):
        data[at] ^= 16
    Path(options.src).write_bytes(data)
    assert run(options) == 0
    assert "damaged" in capsys.readouterr().err
    assert 0 < len(decoded(os.path.join(options.output, "clip_pha.mp4"))) < 30


def test_an_address(options, tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *rest: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/clip.mp4"
        try:
            assert run(replace(options, src=address)) == 0
        finally:
            server.shutdown()
    assert len(decoded(os.path.join(options.output, "clip_pha.mp4"))) == 12


SLOW = """
import sys, time
sys.path[:0] = sys.argv[3:]
from tests.media.video.clips import StandIn
from bgmatting.prediction import core
from bgmatting.prediction.options import Options
from bgmatting.commands import predict
from bgmatting.utils.cli import run_main

class Slow(StandIn):
    def predict(self, src, bgr, want):
        time.sleep(0.05)
        if self.calls == 3:
            print("at work", flush=True)
        return super().predict(src, bgr, want)

options = Options(src=sys.argv[1], bgr="first:1", output=sys.argv[2], align="off", exposure="off")
source, options = core.settled(None, options, True)
run_main(lambda argv: predict._show(source, options, core.matte(source, options, Slow())))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_leaves_what_plays(tmp_path):
    make_clip(tmp_path / "clip.mp4", 150, audio="aac")
    (tmp_path / "slow.py").write_text(SLOW)
    command = [sys.executable, str(tmp_path / "slow.py"), str(tmp_path / "clip.mp4"), str(tmp_path / "out"),
               os.path.dirname(__file__), os.getcwd()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "at work" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    written = [len(decoded(tmp_path / "out" / name)) for name in ("clip_pha.mp4", "clip_com.mov")]
    assert written[0] == written[1] and 3 <= written[0] < 150
    assert f"stopped after {written[0]} frames" in errors and "clip_com.mov" in errors and "Traceback" not in errors
    assert sorted(os.listdir(tmp_path / "out")) == ["clip_com.mov", "clip_pha.mp4"]
    with av.open(str(tmp_path / "out" / "clip_pha.mp4")) as container:  # sound ends with the picture
        assert container.duration / 1e6 == pytest.approx(written[0] / RATE, abs=0.3)


def test_what_a_killed_run_left_is_cleared(options):
    out = Path(options.output)
    out.mkdir()
    for name in (".clip_pha.mp4.4321.tmp", ".clip_pha.mp4.4321.reserve", ".clip_com.mov.99.tmp", ".other_pha.mp4.4321.tmp"):
        (out / name).write_bytes(b"half")
        os.utime(out / name, (1, 1))
    assert run(options) == 0 and names(options) == [".other_pha.mp4.4321.tmp", "clip_com.mov", "clip_pha.mp4"]


def test_progress(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True
    monkeypatch.setattr("bgmatting.prediction.progress.EVERY", 0)
    for stream, words in ((io.StringIO(), " 4 of 4 frames"), (Terminal(), "4/4")):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Shown("clip.mp4")
        for done in range(1, 5):
            progress.frame(done, 4)
        progress.close()
        assert words in stream.getvalue()


def test_a_video_that_is_its_own_background_is_remarked_on(options):
    report = core.matte(None, replace(options, bgr=options.src), StandIn())
    assert any("same file" in note for note in report.notes)
