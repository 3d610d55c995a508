"""Video pairs: frames come back by their number, in any order, from any process; each flaw is named.

Frame n of a test clip shows n in binary, a black or white block for each bit, so a frame off by one is seen.
"""
import multiprocessing

import cv2
import numpy as np
import pytest

from bgmatting.dataset.layouts import video_pairs
from bgmatting.dataset.layouts import videos as frames
from bgmatting.media.video.reader import open_video
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, WIDTH, make_clip
from tests.media.video.test_video_container import aperture, with_box
from tests.media.video.test_video_reader import END, ONE, turned_copy

FOLDERS = {"fgr": "fgr", "pha": "pha"}
COUNT = 60  # several key frames


def write_video(path, count=COUNT, first=0, size=(64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, size)
    for number in range(count):
        bits = [255 * (first + number >> bit & 1) for bit in range(8)]
        writer.write(np.broadcast_to(np.repeat(np.uint8(bits), size[0] // 8)[None, :, None], (*size[::-1], 3)).copy())
    writer.release()


def number_of(image):
    blocks = image.reshape(image.shape[0], 8, -1).mean((0, 2))
    return sum(1 << bit for bit in range(8) if blocks[bit] > 127)


def test_frames_in_any_order(tmp_path):
    write_video(tmp_path / "fgr" / "a.mp4")
    write_video(tmp_path / "pha" / "a.mp4", first=100)
    pairs = video_pairs(tmp_path, FOLDERS)
    assert len(pairs) == COUNT and pairs.names[7] == "a/00007"
    for index in (0, 1, 2, 37, 36, 38, 5, COUNT - 1, 0, 12):
        name, fgr, pha = pairs.load(index)
        assert fgr.shape == (48, 64, 3) and pha.shape == (48, 64) and fgr.dtype == pha.dtype == np.uint8
        assert number_of(fgr) == index and number_of(pha) == 100 + index


@pytest.mark.parametrize("suffix, codec, between", [
    ("avi", "libx264", 2), ("avi", "mpeg4", 0), ("ts", "libx264", 2), ("ts", "libx264", 0), ("m2ts", "mpeg2video", 2),
    ("mpg", "mpeg2video", 2), ("mpg", "mpeg1video", 2), ("wmv", "libx264", 2), ("mkv", "libx264", 2)])
def test_seeks_that_land_elsewhere_and_stamps_of_decoding(tmp_path, suffix, codec, between):
    """Of a TS that lands behind its target, of AVI and ASF that say when frames are decoded, of MPEG-PS that has few."""
    path, images = tmp_path / f"a.{suffix}", []
    for number in range(COUNT):
        bits = np.uint8([255 * (number >> bit & 1) for bit in range(8)])
        images.append(np.broadcast_to(np.repeat(bits, 8)[None, :, None], (48, 64, 3)).copy())
    make_clip(path, images=images, codec=codec, options={"g": "12", "bf": str(between)})
    reader, numbers = frames.FrameReader(), [*np.random.default_rng(0).permutation(COUNT).tolist(), COUNT - 1, 3, 4, 5]
    assert frames.count_frames(path) == COUNT
    assert [number_of(reader.read(path, number)) for number in numbers] == numbers


def phone(path):
    """A clip as a phone writes it that is held upright."""
    turned_copy(path, (0, ONE, 0, -ONE, 0, 0, HEIGHT * ONE, 0, END))


@pytest.mark.parametrize("clip, change", [
    ({"width": 1280, "height": 720}, None), ({}, None), ({"colour": (2, 6)}, None), ({"pixels": "yuv420p10le"}, None),
    ({"codec": "libx264rgb", "pixels": "rgb24"}, None), ({}, phone),
    ({}, lambda path: with_box(path, aperture(WIDTH - 12, 1, HEIGHT - 6, 1, 2, 1, -1, 1)))],
    ids=["HD", "SD", "full range", "10 bits", "RGB", "turned", "cut"])
def test_frames_look_as_in_predict(tmp_path, clip, change):
    """Colours, turn and cut of a frame are what its file says or what players assume, by one rule for all commands."""
    images = make_clip(tmp_path / "fgr.mp4", 6, **clip)
    if change is not None:
        change(tmp_path / "fgr.mp4")
    with open_video(tmp_path / "fgr.mp4") as reader:
        expected = [frame.image for frame in reader]
    reader = frames.FrameReader()
    for number in (0, 4, 2, 3):
        found = reader.read(tmp_path / "fgr.mp4", number)
        np.testing.assert_array_equal(found, expected[number])
        assert found.flags["C_CONTIGUOUS"] and found.dtype == np.uint8
    if change is phone:
        assert found.shape == (WIDTH, HEIGHT, 3) and np.abs(found.astype(int) - np.rot90(images[3], -1)).mean() < 3


def test_colours_that_are_not_converted_are_one_line(tmp_path):
    make_clip(tmp_path / "a.mkv", 2, options={"x264-params": "colormatrix=bt2020c"})
    with pytest.raises(UserError, match=r"a\.mkv"):
        frames.FrameReader().read(tmp_path / "a.mkv", 0)


def test_one_pair_of_files(tmp_path):
    write_video(tmp_path / "me.mp4", 4)
    write_video(tmp_path / "me_pha.mp4", 4)
    pairs = video_pairs(tmp_path, {"fgr": "me.mp4", "pha": "me_pha.mp4"})
    assert pairs.names == [f"me/{frame:05d}" for frame in range(4)] and number_of(pairs.load(3).fgr) == 3


def send_numbers(pairs, indices, pipe):
    pipe.send([number_of(pairs.load(index).fgr) for index in indices])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_read_for_themselves(tmp_path, method):
    for kind in FOLDERS:
        write_video(tmp_path / kind / "a.mp4")
    pairs = video_pairs(tmp_path, FOLDERS)
    assert number_of(pairs.load(10).fgr) == 10  # so that a forked worker inherits an open file
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    worker = context.Process(target=send_numbers, args=(pairs, [11, 12, 40], there), daemon=True)
    worker.start()
    assert number_of(pairs.load(30).fgr) == 30 and number_of(pairs.load(11).fgr) == 11
    assert here.poll(30) and here.recv() == [11, 12, 40]
    worker.join(30)
    assert worker.exitcode == 0


def test_many_clips_keep_few_files_open(tmp_path):
    for clip in range(6):
        for kind in FOLDERS:
            write_video(tmp_path / kind / f"{clip}.mp4", 2, first=10 * clip)
    pairs = video_pairs(tmp_path, FOLDERS)
    for index in range(12):
        assert number_of(pairs.load(index).fgr) == 10 * (index // 2) + index % 2
    assert all(len(clips) <= frames.OPEN_CLIPS for _, clips in pairs.read._frames._kept.values())


@pytest.mark.parametrize("fgr, pha, words", [
    ({"a": 5}, {"a": 4}, r"a\.mp4 has 4 frames .*a\.mp4 has 5"), ({"a": 2, "b": 2}, {"a": 2}, r"1.*\(b\)"),
    ({"a": 2}, {"a": b"not a video"}, r"cannot open .*pha/a\.mp4"), ({"a": 2}, {}, "pha holds no videos"),
    ({"a": 2}, None, "pha does not exist")])
def test_what_is_no_pair(tmp_path, fgr, pha, words):
    for kind, clips in (("fgr", fgr), ("pha", pha)):
        if clips is not None:
            (tmp_path / kind).mkdir()
        for name, count in (clips or {}).items():
            if isinstance(count, bytes):
                (tmp_path / kind / f"{name}.mp4").write_bytes(count)
            else:
                write_video(tmp_path / kind / f"{name}.mp4", count)
    with pytest.raises(UserError, match=words):
        video_pairs(tmp_path, FOLDERS)


def test_two_sizes(tmp_path):
    write_video(tmp_path / "fgr" / "a.mp4", 2)
    write_video(tmp_path / "pha" / "a.mp4", 2, size=(32, 48))
    with pytest.raises(UserError, match="32x48.*64x48"):
        video_pairs(tmp_path, FOLDERS).load(0)


def test_cut_video_names_frame_and_file(tmp_path):
    for kind in FOLDERS:
        write_video(tmp_path / kind / "a.mp4")
    pairs = video_pairs(tmp_path, FOLDERS)
    (tmp_path / "fgr" / "a.mp4").unlink()
    with pytest.raises(UserError, match=r"a\.mp4"):
        pairs.load(0)
    write_video(tmp_path / "fgr" / "a.mp4", 10)
    with pytest.raises(UserError, match=r"59.*a\.mp4"):
        pairs.load(COUNT - 1)
