"""Writing videos: what comes back has the frames, times, alpha, colours, size and sound that went in."""
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from bgmatting.media.video.colour import Colour
from bgmatting.media.video.reader import Info, open_video
from bgmatting.media.video.writer import open_writer
from bgmatting.utils.errors import UserError
from tests.faults.bad_times import copied
from tests.media.video.clips import HEIGHT, RATE, WIDTH, decoded, make_clip, picture

TIMES = [0, 40, 60, 200, 210, 500]  # in 1/1000 s

PLAIN = Colour()


def info(width=WIDTH, height=HEIGHT, colour=PLAIN, time_base=Fraction(1, 12800), aspect=Fraction(1)):
    return Info(width, height, Fraction(RATE), time_base, colour, None, None, False, aspect)


def write(path, images, facts=None, times=None, lasts=40, **options):
    """Write images at ``times`` (1/1000 s)."""
    times = times or [1000 * index // RATE for index in range(len(images))]
    writer = open_writer(path, facts or info(), **options)
    for image, start, end in zip(images, times, times[1:] + [times[-1] + lasts]):
        writer.write(image, Fraction(start, 1000), Fraction(end - start, 1000))
    writer.close()
    return writer


def with_alpha(image):
    """RGBA: alpha grows downwards, colour is 0 where it is 0."""
    alpha = np.linspace(0, 255, image.shape[0]).round().astype(np.uint8)[:, None].repeat(image.shape[1], 1)
    return np.dstack((np.where(alpha[..., None] > 0, image, 0), alpha))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_variable_times_and_length(tmp_path, name):
    write(tmp_path / name, [picture(index) for index in range(6)], times=TIMES, lasts=70)
    found = decoded(tmp_path / name)
    assert [round(time * 1000) for _, time in found] == TIMES
    with av.open(str(tmp_path / name)) as container:
        assert container.duration / 1e6 == pytest.approx(0.57, abs=0.002)
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing temporary is left


@pytest.mark.parametrize("name, codec", [("a.mp4", "h264"), ("a.mov", "prores"), ("a.webm", "vp9")])
@pytest.mark.parametrize("colour", [(1, 1), (2, 6)])
def test_colours_through_the_chain(tmp_path, name, codec, colour):
    images = [picture(index) for index in range(4)]
    write(tmp_path / name, images, info(colour=Colour(*colour)))
    with open_video(tmp_path / name) as reader:
        got, kept = [frame.image for frame in reader], reader.info.colour
    range_kept = 1 if codec == "prores" else colour[0]
    assert kept[:2] == (range_kept, colour[1])
    with av.open(str(tmp_path / name)) as container:
        context = container.streams.video[0].codec_context
        assert context.name.startswith(codec) and context.colorspace == colour[1]
        ranges = (0, 1) if codec == "prores" else (range_kept,)  # ProRes has no word for it, and is limited
        assert context.color_range in ranges
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(got, images)) < 4
    assert np.abs(np.mean(got, (0, 1, 2)) - np.mean(images, (0, 1, 2))).max() < 1.5  # no cast


@pytest.mark.parametrize("colour, header", [((1, 9, 9, 18), (9, 18, 9)), ((1, 9, 9, 16), (9, 16, 9)), ((1, 1), (1, 1, 1)),
                                            ((1, 6, 6, 6), (6, 1, 6))])
def test_prores_names_its_colours_itself(tmp_path, colour, header):
    """Editors look into the stream: primaries, transfer and matrix in the header of the frame, as in the container."""
    write(tmp_path / "a.mov", [picture(0)], info(colour=Colour(*colour)))
    with av.open(str(tmp_path / "a.mov")) as container:
        packet = next(container.demux(video=0))
        context = container.streams.video[0].codec_context
        assert tuple(bytes(packet)[22:25]) == header
        assert (context.color_primaries, context.color_trc, context.colorspace) == header


@pytest.mark.parametrize("name", ["a.mov", "a.webm"])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (65, 49)])
def test_alpha_is_there(tmp_path, name, size):
    images = [with_alpha(picture(index, *size)) for index in range(5)]
    write(tmp_path / name, images, info(*size), alpha=True)
    found = decoded(tmp_path / name, "rgba")
    assert len(found) == 5
    for (image, _), wanted in zip(found, images):
        assert image.shape == wanted.shape
        assert np.abs(image[..., 3].astype(int) - wanted[..., 3]).max() <= (1 if name == "a.mov" else 16)
        assert np.abs(image[..., 3].astype(int) - wanted[..., 3]).mean() < 2
        seen = wanted[..., 3] > 200
        assert np.abs(image[seen].astype(int) - wanted[seen]).mean() < 6


@pytest.mark.parametrize("name, size", [("a.mp4", (65, 49)), ("a.mp4", (65, 48)), ("a.mov", (64, 49)), ("a.webm", (65, 49))])
def test_odd_sizes_are_kept(tmp_path, name, size):
    images = [picture(index, *size) for index in range(3)]
    write(tmp_path / name, images, info(*size))
    found = decoded(tmp_path / name)
    assert {image.shape for image, _ in found} == {(size[1], size[0], 3)}
    assert max(np.abs(image.astype(int) - wanted).mean() for (image, _), wanted in zip(found, images)) < 5


def test_even_sizes_play_widely(tmp_path):
    write(tmp_path / "a.mp4", [picture(0)])
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_mattes_are_exact(tmp_path):
    ramp = np.linspace(0, 255, WIDTH).round().astype(np.uint8)[None].repeat(HEIGHT, 0)
    for name in ("a.mp4", "a.mov", "a.webm"):
        write(tmp_path / name, [np.roll(ramp, index, 1) for index in range(5)], gray=True)
        for index, (image, _) in enumerate(decoded(tmp_path / name)):
            wanted = np.roll(ramp, index, 1)[..., None].astype(int)
            assert np.abs(image - wanted).mean() < 1 and np.abs(image - wanted).max() <= 12


def test_pictures(tmp_path):
    images = [with_alpha(picture(index)) for index in range(6)]
    write(tmp_path / "a", images, times=TIMES, alpha=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [f"{index:06d}.png" for index in range(6)] + ["timestamps.txt"]
    back = cv2.imread(str(tmp_path / "a" / "000003.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(back, cv2.COLOR_BGRA2RGBA), images[3])
    lines = (tmp_path / "a" / "timestamps.txt").read_text().splitlines()
    assert lines[0] == "# timestamp format v2" and [float(line) for line in lines[1:]] == TIMES
    write(tmp_path / "a", images[:2], alpha=True)  # replaced whole
    assert len(list((tmp_path / "a").iterdir())) == 3
    (tmp_path / "a" / "mine.doc").write_text("dear")
    with pytest.raises(UserError, match="mine.doc"):
        write(tmp_path / "a", images[:2], alpha=True)
    assert len(list((tmp_path / "a").iterdir())) == 4


def test_a_folder_of_pictures_may_have_a_dot_in_its_name(tmp_path):
    for _ in range(2):  # the second replaces the first
        write(tmp_path / "shot.v2_pha", [picture(0), picture(1)], pictures="png")
    assert [path.name for path in tmp_path.iterdir()] == ["shot.v2_pha"]
    names = sorted(path.name for path in (tmp_path / "shot.v2_pha").iterdir())
    assert names == ["000000.png", "000001.png", "timestamps.txt"]


def test_alpha_is_refused_where_there_is_no_room(tmp_path):
    with pytest.raises(UserError, match="mov, webm, png"):
        open_writer(tmp_path / "a.mp4", info(), alpha=True)
    with pytest.raises(UserError, match=r"\.avi"):
        open_writer(tmp_path / "a.avi", info())
    assert list(tmp_path.iterdir()) == []


def test_no_frame_no_file(tmp_path):
    for name in ("a.mp4", "a"):
        open_writer(tmp_path / name, info()).close()
        dropped = open_writer(tmp_path / name, info())
        dropped.write(picture(0), Fraction(0), Fraction(1, 25))
        dropped.drop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source, codec, name, kept", [
    ("s.mp4", "aac", "a.mp4", "aac"), ("s.mp4", "aac", "a.mov", "aac"), ("s.mp4", "aac", "a.webm", "opus"),
    ("s.mkv", "libopus", "a.webm", "opus"), ("s.mkv", "libopus", "a.mov", "aac"), ("s.mkv", "flac", "a.mp4", "aac"),
    ("s.mov", "pcm_s16le", "a.mp4", "aac"), ("s.mov", "pcm_s16le", "a.mov", "pcm_s16le"), ("s.ts", "aac", "a.mp4", "aac")])
def test_sound(tmp_path, source, codec, name, kept):
    make_clip(tmp_path / source, 50, audio=codec)
    assert copied(tmp_path / source, tmp_path / name).warning is None
    with av.open(str(tmp_path / name)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.codec.canonical_name == kept
        waves, rate = [], None
        for frame in container.decode(stream):
            wave = frame.to_ndarray().astype(np.float32).reshape(-1)
            waves.append(wave / (32768 if "s16" in frame.format.name else 1))
            rate = frame.sample_rate
    wave = np.concatenate(waves)
    assert len(wave) / rate == pytest.approx(2, abs=0.1)  # 50 frames are 2 s
    middle = wave[rate // 2:rate // 2 + rate]
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() == pytest.approx(440, abs=2) and np.abs(middle).max() == pytest.approx(0.3, abs=0.08)
    assert len(decoded(tmp_path / name)) == 50


def test_sound_that_cannot_be_kept_is_told(tmp_path, monkeypatch):
    make_clip(tmp_path / "s.mp4", 10, audio="aac")
    monkeypatch.setattr("bgmatting.media.video.audio.ENCODERS", {"webm": ("no_such_encoder", None)})
    writer = copied(tmp_path / "s.mp4", tmp_path / "a.webm")
    assert "aac" in writer.warning
    with av.open(str(tmp_path / "a.webm")) as container:
        assert not container.streams.audio and len(decoded(tmp_path / "a.webm")) == 10
