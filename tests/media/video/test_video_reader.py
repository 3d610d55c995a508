"""Reading videos: frames, times, colours and turns as they are, damage passed over, and no entry for what is no video."""
import struct
import subprocess
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from bgmatting.media.video import opening
from bgmatting.media.video.reader import open_video
from bgmatting.media.video.rotation import orientation_of_matrix
from bgmatting.prediction.source import Source
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, RATE, WIDTH, make_clip, picture, tone


def read(path):
    with open_video(path) as reader:
        return list(reader), reader


def off(frames, images):
    """Mean absolute difference, of the worst frame."""
    assert len(frames) == len(images)
    return max(np.abs(frame.image.astype(int) - image).mean() for frame, image in zip(frames, images))


def test_frames_times_and_facts(tmp_path):
    images = make_clip(tmp_path / "a.mp4", audio="aac")
    frames, reader = read(tmp_path / "a.mp4")
    assert off(frames, images) < 3 and frames[0].image.dtype == np.uint8
    assert [frame.pts for frame in frames] == [Fraction(index, RATE) for index in range(12)]
    assert {frame.duration for frame in frames} == {Fraction(1, RATE)}
    assert reader.info[:3] == (WIDTH, HEIGHT, Fraction(RATE)) and reader.info.frames == 12 and reader.info.has_audio
    assert float(reader.info.duration) == pytest.approx(12 / RATE) and reader.damaged == 0


def test_variable_frame_rate(tmp_path):
    times = [0, 40, 60, 200, 210, 500]
    make_clip(tmp_path / "a.mkv", 6, times)
    frames, reader = read(tmp_path / "a.mkv")
    assert [int(frame.pts * 1000) for frame in frames] == times
    assert [int(frame.duration * 1000) for frame in frames[:5]] == [40, 20, 140, 10, 290]


def test_times_start_at_zero(tmp_path):
    make_clip(tmp_path / "a.ts")  # a transport stream starts at 1.4 s or so
    frames, _ = read(tmp_path / "a.ts")
    assert frames[0].pts == 0 and float(frames[-1].pts) == pytest.approx(11 / RATE)


@pytest.mark.parametrize("colour", [(1, 1), (2, 1), (1, 6), (2, 6)])
def test_colours(tmp_path, colour):
    images = make_clip(tmp_path / "a.mkv", 3, pixels="yuv444p", colour=colour)
    frames, reader = read(tmp_path / "a.mkv")
    assert reader.info.colour[:2] == colour
    assert off(frames, images) < 1.5  # with range or matrix mistaken it is 7 at least


def test_gif(tmp_path):
    images = make_clip(tmp_path / "a.gif", 5, codec="gif", pixels="rgb8")
    frames, reader = read(tmp_path / "a.gif")
    assert len(frames) == 5 and off(frames, images) < 30  # 8 levels of a colour
    assert Source(tmp_path / "a.gif").kind == "video"
    make_clip(tmp_path / "one.gif", 1, codec="gif", pixels="rgb8")
    assert Source(tmp_path / "one.gif").kind == "photo"


def turned_copy(path, matrix):
    """The file with another display matrix in its track header."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 8 + 2 + 2 + 2 + 2  # version 0
    data[at:at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


ONE, END = 1 << 16, 1 << 30


@pytest.mark.parametrize("matrix, upright", [
    ((0, ONE, 0, -ONE, 0, 0, HEIGHT * ONE, 0, END), lambda image: np.rot90(image, -1)),     # a phone held upright
    ((0, -ONE, 0, ONE, 0, 0, 0, WIDTH * ONE, END), lambda image: np.rot90(image, 1)),
    ((-ONE, 0, 0, 0, -ONE, 0, WIDTH * ONE, HEIGHT * ONE, END), lambda image: np.rot90(image, 2)),
    ((-ONE, 0, 0, 0, ONE, 0, WIDTH * ONE, 0, END), lambda image: image[:, ::-1])])          # a mirror
def test_turns(tmp_path, matrix, upright):
    images = make_clip(tmp_path / "a.mp4", 3)
    turned_copy(tmp_path / "a.mp4", matrix)
    frames, reader = read(tmp_path / "a.mp4")
    assert (reader.info.height, reader.info.width) == frames[0].image.shape[:2] == upright(images[0]).shape[:2]
    assert off(frames, [upright(image) for image in images]) < 3


def test_turn_of_matrices():
    assert orientation_of_matrix(struct.pack("=9i", ONE, 0, 0, 0, ONE, 0, 0, 0, END)) == 1
    assert orientation_of_matrix(struct.pack("=9i", 0, ONE, 0, ONE, 0, 0, 0, 0, END)) == 5


def noisy(frames):
    """Images that make large packets."""
    rng = np.random.default_rng(0)
    return [np.clip(picture(index) + rng.normal(0, 12, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
            for index in range(frames)]


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.avi", "a.mpg"])
def test_cut_short(tmp_path, name):
    codec = {"a.mpg": "mpeg2video", "a.avi": "mpeg4"}.get(name, "libx264")
    make_clip(tmp_path / name, codec=codec, options={"g": "5", "b": "4000000"}, images=noisy(40))
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[:len(data) * 6 // 10])
    frames, _ = read(tmp_path / name)
    assert 10 <= len(frames) < 40
    assert all(frame.image.shape == (HEIGHT, WIDTH, 3) for frame in frames)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_flipped_bits(tmp_path, name):
    make_clip(tmp_path / name, codec="mpeg4" if name == "a.avi" else "libx264", options={"g": "6", "b": "4000000"},
              images=noisy(60))
    data = bytearray((tmp_path / name).read_bytes())
    rng = np.random.default_rng(3)
    lowest, highest = (len(data) // 5, len(data) * 4 // 5) if name != "a.mp4" else (200, len(data) // 2)
    for at in rng.integers(lowest, highest, 30):
        data[at] ^= 1 << rng.integers(8)
    (tmp_path / name).write_bytes(data)
    frames, reader = read(tmp_path / name)
    assert reader.damaged > 0 and 10 <= len(frames) < 60
    times = [frame.pts for frame in frames]
    assert times == sorted(set(times)) and all(frame.duration > 0 for frame in frames)


def test_a_size_that_changes(tmp_path):
    make_clip(tmp_path / "a.ts", 5)
    make_clip(tmp_path / "b.ts", 5, width=96, height=64)
    (tmp_path / "c.ts").write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    frames, _ = read(tmp_path / "c.ts")
    assert len(frames) == 10 and {frame.image.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}


def refusal(path):
    with pytest.raises(UserError) as caught:
        open_video(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


def test_what_is_refused(tmp_path):
    assert "no such video" in refusal(tmp_path / "none.mp4")
    assert "folder" in refusal(tmp_path)
    (tmp_path / "text.mp4").write_text("hello " * 100)
    assert "cannot read" in refusal(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert "is empty" in refusal(tmp_path / "empty.mp4")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "picture.mp4")
    assert "not a video" in refusal(tmp_path / "picture.mp4")
    make_clip(tmp_path / "whole.mp4")
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:1500])
    assert "cut short" in refusal(tmp_path / "cut.mp4")
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        stream.codec_context.layout = "mono"
        for index in range(10):
            container.mux(stream.encode(tone(index)))
        container.mux(stream.encode(None))
    assert "no video stream" in refusal(tmp_path / "sound.m4a")


def test_no_frames(tmp_path):
    make_clip(tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    (tmp_path / "a.mp4").write_bytes(data[:start] + bytes(end - start) + data[end:])
    assert "no frame that can be decoded" in refusal(tmp_path / "a.mp4")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory from /proc")
def test_absurd_size_takes_no_memory(tmp_path):
    """A JPEG in an AVI that calls itself 16000 x 16000: 768 MB of RGB if believed."""
    make_clip(tmp_path / "a.avi", 3, codec="mjpeg", pixels="yuvj420p")
    data = bytearray((tmp_path / "a.avi").read_bytes())
    at = 0
    while (at := data.find(b"\xff\xc0\x00\x11", at + 1)) > 0:
        data[at + 5:at + 9] = struct.pack(">HH", 16000, 16000)
    (tmp_path / "a.avi").write_bytes(data.replace(struct.pack("<ii", WIDTH, HEIGHT), struct.pack("<ii", 16000, 16000)))
    script = ("import sys\nfrom bgmatting.media.video.reader import open_video\n"
              "from bgmatting.utils.errors import UserError\n"
              "try:\n    list(open_video(sys.argv[1]))\nexcept UserError as error:\n"
              "    peak = [line for line in open('/proc/self/status') if line.startswith('VmHWM')][0]\n"
              "    print(error, peak.split()[1])\n")
    command = [sys.executable, "-c", script, str(tmp_path / "a.avi")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "million" in done.stdout, done
    assert int(done.stdout.split()[-1]) < 300_000  # KiB


def test_frames_above_the_bound_are_left_out(tmp_path, monkeypatch):
    make_clip(tmp_path / "a.mp4")
    monkeypatch.setattr(opening, "MAX_PIXELS", WIDTH * HEIGHT - 1)
    assert f"{WIDTH}x{HEIGHT}" in refusal(tmp_path / "a.mp4")


def test_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match="pip install -U av"):
        open_video(tmp_path / "a.mp4")
