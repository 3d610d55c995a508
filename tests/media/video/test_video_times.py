"""Written files of clips with wrong time stamps: all frames, in order, and within 40 ms of the sound."""
from fractions import Fraction

import pytest

from bgmatting.media.video.colour import Colour
from bgmatting.media.video.reader import Info
from bgmatting.media.video.writer import fine, open_writer
from tests.faults import bad_times, stamps
from tests.media.video.clips import HEIGHT, WIDTH, decoded, picture


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.ts", "a.mkv"):
        stamps.make(folder / name)
    stamps.make(folder / "b.ts", 50, 50)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def drift(folder, suffix, data, frames=50, target=".mp4"):
    """Seconds, of the worst frame."""
    (folder / f"in{suffix}").write_bytes(data)
    writer = bad_times.copied(folder / f"in{suffix}", folder / f"out{target}")
    assert writer.frames == frames and writer.warning is None
    worst, wrong = bad_times.judged(folder / f"out{target}", frames, None)
    assert not wrong
    return worst


@pytest.mark.parametrize("kind", ["start one second before the wrap", "one picture 30 s late", "both jump back by 1.2 s"])
def test_transport_streams(tmp_path, sources, kind):
    assert abs(drift(tmp_path, ".ts", stamps.restamp_ts(sources["a.ts"], bad_times.TS[kind]))) < 0.01


def test_joined(tmp_path, sources):
    assert abs(drift(tmp_path, ".ts", sources["a.ts"] + sources["b.ts"], 100)) < 0.04


@pytest.mark.parametrize("kind, target", [("every tenth repeats", ".mp4"), ("negative start", ".webm"),
                                          ("one picture 20 s late", ".mp4"), ("sound repeats", ".webm")])
def test_matroska(tmp_path, sources, kind, target):
    data = stamps.restamp_mkv(sources["a.mkv"], bad_times.MKV[kind])
    assert abs(drift(tmp_path, ".mkv", data, target=target)) < 0.01


def info(time_base):
    return Info(WIDTH, HEIGHT, Fraction(25), time_base, Colour(), None, None, False, Fraction(1))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_times_between_coarse_ticks_are_kept(tmp_path, name):
    """Of a source that counts in frames, as AVI and GIF do."""
    times = [0, 40, 60, 80, 120]
    writer = open_writer(tmp_path / name, info(Fraction(1, 25)))
    for index, time in enumerate(times):
        writer.write(picture(index), Fraction(time, 1000), Fraction(1, 25))
    writer.close()
    assert [1000 * time for _, time in decoded(tmp_path / name)] == pytest.approx(times, abs=0.5)
    assert fine(Fraction(1, 25)) == Fraction(1, 12800) and fine(Fraction(1, 90000)) == Fraction(1, 90000)


def test_times_of_pictures_are_plain_decimals(tmp_path):
    late = Fraction(150204, 100)
    times = [Fraction(0), Fraction(1001, 30000), late, late + Fraction(1, 60), Fraction(10 ** 6)]
    writer = open_writer(tmp_path / "a", info(Fraction(1, 90000)))
    for index, time in enumerate(times):
        writer.write(picture(index), time, Fraction(1, 25))
    writer.close()
    assert (tmp_path / "a" / "timestamps.txt").read_text().splitlines()[1:] == [
        "0", "33.367", "1502040", "1502056.667", "1000000000"]
