"""Sound: the first track that can be decoded, at a rate its encoder knows, without gap or overlap."""
from fractions import Fraction

import av
import numpy as np
import pytest

from bgmatting.media.video.audio import nearest_rate
from bgmatting.media.video.audio_resampling import Continuous
from bgmatting.media.video.reader import open_video
from tests.faults.bad_times import copied
from tests.media.video.clips import make_clip, picture, tone


def two_tracks(path, unknown):
    """An MP4 with silence first and a tone second, the first ``unknown`` of them of a codec that nobody knows."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        tracks = [container.add_stream("aac", rate=48000) for _ in range(2)]
        for track in tracks:
            track.codec_context.layout = "mono"
        for index in range(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), "rgb24")))
            container.mux(tracks[0].encode(_silence(index)))
            container.mux(tracks[1].encode(tone(index)))
        for track in (stream, *tracks):
            container.mux(track.encode(None))
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"apac", unknown).replace(b"esds", b"free", unknown))


def _silence(index):
    frame = tone(index)
    quiet = av.AudioFrame.from_ndarray(0 * frame.to_ndarray(), "fltp", "mono")
    quiet.sample_rate, quiet.pts, quiet.time_base = frame.sample_rate, frame.pts, frame.time_base
    return quiet


def heard(path):
    """(float32 (N,), rate, codec) of a file's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        waves = [frame.to_ndarray().mean(0) for frame in container.decode(stream)]
        return np.concatenate(waves), stream.rate, stream.codec_context.name


@pytest.mark.parametrize("target", ["a.mp4", "a.webm"])
def test_the_first_track_that_can_be_decoded(tmp_path, target):
    two_tracks(tmp_path / "s.mp4", 1)
    assert copied(tmp_path / "s.mp4", tmp_path / target).warning is None
    wave, rate, _ = heard(tmp_path / target)
    assert len(wave) / rate == pytest.approx(1, abs=0.05) and np.abs(wave[rate // 2:]).max() > 0.2


def test_no_track_that_can_be_decoded(tmp_path):
    two_tracks(tmp_path / "s.mp4", 2)
    with open_video(tmp_path / "s.mp4") as reader:
        assert reader.audio is None and not reader.info.has_audio and "no sound" in reader.note
    with open_video(tmp_path / "s.mp4", sound=False) as reader:
        assert reader.note is None and len(list(reader)) == 25


def pcm_clip(path, rate):
    """An AVI of 25 frames with a tone of 440 Hz at ``rate``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        track = container.add_stream("pcm_s16le", rate=rate)
        track.codec_context.layout = "mono"
        wave = (9000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        container.mux(track.encode(frame))
        for index in range(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), "rgb24")))
        for each in (stream, track):
            container.mux(each.encode(None))


@pytest.mark.parametrize("rate, known", [(5000, 7350), (22254, 22050), (192000, 96000)])
def test_any_rate(tmp_path, rate, known):
    pcm_clip(tmp_path / "s.avi", rate)
    assert nearest_rate("aac", rate) == known
    assert copied(tmp_path / "s.avi", tmp_path / "a.mp4").warning is None
    wave, got, codec = heard(tmp_path / "a.mp4")
    assert (got, codec) == (known, "aac") and len(wave) / got == pytest.approx(1, abs=0.3)
    assert np.abs(np.fft.rfft(wave[:got])).argmax() == pytest.approx(440, abs=3)


def test_the_beginning_is_decoded_too(tmp_path):
    """Sound that lies before the first frame in the file, and was read before the outputs were open."""
    make_clip(tmp_path / "s.mp4", 25, audio="aac")
    copied(tmp_path / "s.mp4", tmp_path / "a.webm")
    wave, rate, _ = heard(tmp_path / "a.webm")
    assert np.abs(wave[:rate // 50]).max() > 0.2


def many_channels(path, codec, layout, kind="fltp", count=25, **options):
    """A video of one second whose first channel is 0.3 times a tone of 440 Hz, the others a third of that."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(codec, rate=48000, options={"strict": "-2", **options})
        track.codec_context.layout, track.codec_context.format = layout, kind
        channels = av.AudioFrame("flt", layout, 1).layout.nb_channels
        for index in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), "rgb24")))
            first = tone(index).to_ndarray()[0]
            frame = av.AudioFrame("flt", layout, len(first))
            frame.planes[0].update(np.stack([first] + [first / 3] * (channels - 1), axis=1).tobytes())
            frame.sample_rate, frame.pts, frame.time_base = 48000, index * len(first), Fraction(1, 48000)
            container.mux(track.encode(frame))
        for each in (stream, track):
            container.mux(each.encode(None))


@pytest.mark.parametrize("name, codec, layout, kind, target", [
    ("a.mkv", "libopus", "7.1", "flt", "b.mov"),
    ("a.mkv", "wavpack", "7.1", "fltp", "b.mp4"), ("a.mov", "alac", "7.1(wide)", "s16p", "b.webm"),
    ("a.mp4", "aac", "7.1", "fltp", "b.webm"), ("a.mkv", "flac", "6.1", "s16", "b.mov"),
    ("a.mov", "pcm_s16le", "7.1", "s16", "b.webm"),
    ("a.nut", "pcm_f32le", "11 channels", "flt", "b.mp4"), ("a.mov", "pcm_f32le", "32 channels", "flt", "b.mp4")])
def test_any_number_of_channels(tmp_path, name, codec, layout, kind, target):
    many_channels(tmp_path / name, codec, layout, kind)
    assert copied(tmp_path / name, tmp_path / target).warning is None
    with av.open(str(tmp_path / target)) as container:
        assert container.streams.audio[0].codec_context.layout.name == "stereo"
    wave, rate, _ = heard(tmp_path / target)
    assert len(wave) / rate == pytest.approx(1, abs=0.05) and 0.05 < np.abs(wave[rate // 4:-rate // 4]).max() < 0.9
    assert np.abs(np.fft.rfft(wave[:rate // 2])).argmax() * 2 == pytest.approx(440, abs=3)


def test_channels_in_an_order_of_their_own(tmp_path):
    """PyAV frees the list of such channels twice."""
    many_channels(tmp_path / "a.mov", "pcm_s16le", "7.1", "s16")
    data = (tmp_path / "a.mov").read_bytes()
    at = data.index(b"chan") + 8
    order = (127 << 16 | 8).to_bytes(4, "big")  # kAudioChannelLayoutTag_MPEG_7_1_B: C Lc Rc L R Ls Rs LFE
    (tmp_path / "a.mov").write_bytes(data[:at] + order + bytes(4) + data[at + 8:])
    assert copied(tmp_path / "a.mov", tmp_path / "b.webm").warning is None
    with av.open(str(tmp_path / "b.webm")) as container:
        left, right = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)
    loud_left, loud_right = (np.abs(side[9600:-9600]).max() for side in (left, right))
    assert loud_left == pytest.approx(loud_right, rel=0.05)  # the loud one is the centre


def test_channels_that_change_in_the_middle(tmp_path):
    for layout in ("5.1", "stereo", "7.1"):
        many_channels(tmp_path / f"{layout}.ts", "aac", layout)
    joint = b"".join((tmp_path / f"{layout}.ts").read_bytes() for layout in ("5.1", "stereo", "7.1"))
    (tmp_path / "a.ts").write_bytes(joint)
    assert copied(tmp_path / "a.ts", tmp_path / "b.webm").warning is None
    wave, rate, _ = heard(tmp_path / "b.webm")
    assert len(wave) / rate == pytest.approx(3, abs=0.2)
    assert all(np.abs(wave[at:at + rate // 4]).max() > 0.05 for at in range(0, int(2.8 * rate), rate // 4))
    # MP4 says once for all how many there are: what follows is left out, and said
    assert copied(tmp_path / "a.ts", tmp_path / "b.mp4").warning is not None


def test_sound_that_cannot_be_decoded_is_said(tmp_path):
    many_channels(tmp_path / "a.mkv", "flac", "stereo", "s16")
    data = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(data.replace(b"\xff\xf8", b"\x00\x00"))  # how every frame of FLAC begins
    assert copied(tmp_path / "a.mkv", tmp_path / "b.mp4").warning is not None


def _sounding(values):
    frame = av.AudioFrame.from_ndarray(np.asarray(values, np.float32)[None], "fltp", "mono")
    frame.sample_rate = 8000
    return frame


def joined(pieces, rate_out=8000):
    """[(start, samples)] of what Continuous makes of [(start in samples, float32 values)] at 8000 Hz."""
    stage = Continuous("mono", rate_out)
    frames = [frame for start, values in pieces for frame in stage.put(_sounding(values), Fraction(start, 8000))]
    frames += list(stage.rest())
    at = frames[0].pts
    for frame in frames:
        assert frame.pts == at
        at += frame.samples
    return frames[0].pts, np.concatenate([frame.to_ndarray()[0] for frame in frames])


def test_gaps_become_silence_and_overlaps_go():
    ones = np.ones(1000)
    start, wave = joined([(100, ones), (1100, 2 * ones), (5100, 3 * ones)])
    assert start == 100 and len(wave) == 6000
    assert np.array_equal(wave, np.concatenate((ones, 2 * ones, 0 * ones, 0 * ones, 0 * ones, 3 * ones)))
    _, wave = joined([(0, ones), (500, 2 * ones), (1500, 3 * ones)])
    assert np.array_equal(wave, np.concatenate((ones, 2 * ones[:500], 3 * ones)))
    _, wave = joined([(0, ones), (1100, 2 * ones), (2050, 3 * ones)])  # jitter: as they come
    assert np.array_equal(wave, np.concatenate((ones, 2 * ones, 3 * ones)))
    _, wave = joined([(0, ones), (1000, ones)], 16000)
    assert len(wave) == pytest.approx(4000, abs=40)
