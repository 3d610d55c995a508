"""Time stamps that wrap, jump, repeat or are missing: one timeline, nothing lost, nobody pushed back for good."""
from fractions import Fraction

import pytest

from bgmatting.media.video.clock import WRAP, Clock, Steady

TICK = Fraction(1, 25)


def steady(stamps, **more):
    """The times that 25 items per second get; stamps in ms."""
    stage = Steady(TICK, **more)
    out = []
    for index, stamp in enumerate(stamps):
        out += stage.put(index, None if stamp is None else Fraction(stamp, 1000))
    out += stage.rest()
    assert [item for item, _ in out] == list(range(len(stamps)))
    times = [float(time * 1000) for _, time in out]
    assert all(a < b for a, b in zip(times, times[1:]))
    return times


@pytest.mark.parametrize("stamps, wanted", [
    ([0, 40, 80, 120], [0, 40, 80, 120]),
    ([0, 40, 40, 80, 120], [0, 40, 60, 80, 120]),                    # repeated: between its neighbours
    ([0, 40, 40, 40, 40, 80, 120], [0, 40, 50, 60, 70, 80, 120]),
    ([0, None, None, 120, 160], [0, 40, 80, 120, 160]),              # missing
    ([None, None, 80, 120], [0, 40, 80, 120]),
    ([None, None, None, 80, 120], [0, 80 / 3, 160 / 3, 80, 120]),   # never before the origin
    ([None, None, None], [0, 40, 80]),
    ([0, 0, 0], [0, 40, 80]),                                        # nothing to go by but the rate
    ([0, 40, 10, 120, 160], [0, 40, 80, 120, 160]),                  # one too early
    ([0, 40, 9000, 120, 160], [0, 40, 80, 120, 160]),                # one too late
    ([5000, 40, 80, 120], [0, 40, 80, 120]),
    ([0, 40, 900, 940], [0, 40, 900, 940]),                          # a true gap stays
    ([0, 40, None, 900, 940], [0, 40, 80, 900, 940]),
    ([-80, -40, 0, 40], [-80, -40, 0, 40]),
    ([0, 40, 80, 80], [0, 40, 80, 120])])
def test_steady(stamps, wanted):
    assert steady(stamps) == pytest.approx(wanted)


def test_first_ones_without_a_stamp_go_backwards():
    assert steady([None, None, 0, 40], origin=Fraction(-1)) == [-80, -40, 0, 40]


def test_guessed_stamps_are_followed_by_halves():
    """One frame late before a joint: never more than 35 ms off; a true pause of one frame is caught up with."""
    assert steady([0, 40, 120, 160, 200], guessed=True) == [0, 40, 100, 150, 195]
    assert steady([0, 40] + [80 + 40 * index for index in range(1, 9)], guessed=True)[-1] == 400
    assert steady([0, 40, 900, 940], guessed=True) == [0, 40, 900, 940]


def test_steady_after_a_long_run_without_stamps():
    times = steady([0] + [0] * 9 + [40 * index for index in range(10, 60)], room=4)
    assert times[30:] == [40 * index for index in range(30, 60)]


def test_steady_catches_up():
    """Twenty more items than stamps have room for: late at first, in time again soon."""
    times = steady([0] * 21 + [40 * index for index in range(1, 80)], room=4)
    assert times[-20:] == [40 * index for index in range(60, 80)]


def placed(clock, rows, lasts=TICK):
    """Times in ms of [(track, stamp in ms)]."""
    tracks = {}
    found = []
    for name, stamp in rows:
        track = tracks.get(name) or tracks.setdefault(name, clock.track())
        found.append(float(track.place(Fraction(stamp, 1000), Fraction(stamp, 1000), lasts)[0] * 1000))
    return found


def test_joined_files_share_one_offset():
    one = [(name, 500 + 40 * index) for index in range(10) for name in "va"]
    late = [("a", stamp + 15) if name == "a" else (name, stamp) for name, stamp in one]
    times = placed(Clock(True), late + late)
    assert times[:20] == [stamp for _, stamp in late]
    first, second = times[:20], times[20:]
    assert {round(b - a) for a, b in zip(first, second)} == {415}  # the sound ends 15 ms after the picture: both wait


@pytest.mark.parametrize("shorter", ["v", "a"])
def test_joined_files_with_a_stream_that_ends_early(shorter):
    part = [(name, 40 * index) for index in range(30) for name in "va" if name != shorter or index < 15]
    times = placed(Clock(True), part * 3)
    assert times == [stamp + 1200 * number for number in range(3) for _, stamp in part]


def test_a_jump_in_a_format_that_is_not_joined_stays_with_its_stream():
    rows = [("v", 0), ("a", 0), ("v", 5000), ("a", 40), ("v", 5040), ("a", 80), ("v", 0), ("a", 120), ("v", 40)]
    times = placed(Clock(), rows)
    assert times == [0, 0, 5000, 40, 5040, 80, 5080, 120, 5120]


def test_wrap():
    wrap = WRAP * 1000
    stamps = [wrap - 60, wrap - 20, Fraction(20), Fraction(60)]
    rows = [(name, stamp) for stamp in stamps for name in "va"]
    clock = Clock(True)
    tracks = {"v": clock.track(), "a": clock.track()}
    times = [tracks[name].place(stamp / 1000, stamp / 1000, TICK)[0] * 1000 for name, stamp in rows]
    assert times[::2] == times[1::2] == [wrap - 60, wrap - 20, wrap + 20, wrap + 60]


def test_one_odd_stamp_moves_nobody_else():
    for clock, odd in ((Clock(), 90_000), (Clock(True), 90_000), (Clock(), -7000), (Clock(True), -7000)):
        stamps = [0, 40, 80, odd, 160, 200, 240]
        times = placed(clock, [("v", stamp) for stamp in stamps])
        assert times[:3] + times[4:] == [0, 40, 80, 160, 200, 240], odd


def test_a_stream_that_lags_behind_follows_the_jump():
    """The sound of the first part comes after the picture of the second has begun."""
    rows = [("v", 1000), ("v", 1040), ("a", 1000), ("v", 200), ("a", 1040), ("v", 240), ("a", 200), ("a", 240)]
    assert placed(Clock(True), rows) == [1000, 1040, 1000, 1080, 1040, 1120, 1080, 1120]


def test_gaps():
    assert placed(Clock(True), [("v", 0), ("v", 40), ("v", 5000)]) == [0, 40, 5000]         # a pause
    assert placed(Clock(True), [("v", 0), ("v", 40), ("v", 50_000)]) == [0, 40, 80]          # another clock
    assert placed(Clock(), [("v", 0), ("v", 40), ("v", 500_000)]) == [0, 40, 500_000]        # a lapse
    assert Clock().track().place(None, None, TICK) == (None, None)
