"""``benchmark.py video`` prints positive numbers and right ratios; how fast anything is, is not tested."""
import pytest

from bgmatting.benchmarks import video as bench_video
from bgmatting.benchmarks.video import PEER, Row, render
from bgmatting.commands import benchmark
from bgmatting.utils.errors import UserError
from tests.test_benchmark import cells


@pytest.mark.slow
def test_a_clip_is_made_and_measured(capsys):
    benchmark.main(["video", "--size", "160x96", "--frames", "3", "--rounds", "1", "--backbone-scale", "0.25"])
    text = capsys.readouterr().out
    whole, stages = text.split("\nMilliseconds")
    (name, *numbers), = cells(whole)
    assert name == "backbone scale 0.25" and "3 frames, 160x96" in whole and "cores" in whole
    for number in numbers[:3]:
        middle, lowest, highest = (float(part.strip("()")) for part in number.replace("to", "").split())
        assert 0 < lowest <= middle <= highest
    (name, *stage_times), = cells(stages)
    assert name == "0.25" and len(stage_times) == 4 and all(float(time) > 0 for time in stage_times)


def turn(fps):
    return {"frames": 5, "size": "8x8", "fps": fps, "cpu": 2 / fps, "start": 1.0, "memory": 3 << 20}


def test_ratios_are_of_the_same_turn():
    lines = render([Row("backbone scale 0.25", [], [turn(2), turn(6), turn(8)]), Row(PEER, [], [turn(1), turn(2), turn(4)])])
    assert lines[2] == "| backbone scale 0.25 | 6.00 (2.00 to 8.00) | 0.33 (0.25 to 1.00) | 1.0 (1.0 to 1.0) | 3 MiB |"
    assert lines[4:] == [f"- backbone scale 0.25: 2.00 times as fast as the {PEER} (2.00 to 3.00)"]


@pytest.mark.parametrize("flags, said", [
    (["--rounds", "0"], "--rounds must be 1 or more"), (["--frames", "1"], "--frames 2 or more"),
    (["--src", "clip.mp4"], "--src and --bgr go together"), (["--backbone-scale", "2"], "at most 0.5, not 2"),
    (["--backbone-scale", "nan"], "at most 0.5, not nan"), (["--peer", "."], "it has no inference_video.py")])
def test_flags_that_cannot_be_used(flags, said):
    with pytest.raises(UserError, match=said):
        benchmark.main(["video", *flags])


def test_a_turn_that_fails_is_named():
    with pytest.raises(UserError, match="video_worker.*missing.mp4"):
        bench_video.run(benchmark.parse(["video", "--src", "missing.mp4", "--bgr", "image/sample/bgr.jpg"],
                                        {"video": bench_video}))
