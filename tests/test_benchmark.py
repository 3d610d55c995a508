"""The benchmarks run and print tables of positive numbers; how fast anything is, is not tested."""
import subprocess
from pathlib import Path

import pytest

from bgmatting.benchmarks import data as bench_data
from bgmatting.benchmarks import infer as bench_infer
from bgmatting.benchmarks import train as bench_train
from bgmatting.commands import benchmark
from bgmatting.utils.errors import UserError


def cells(text):
    """The rows of the markdown table in a text, without its heading."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert len(rows) >= 2 and len({len(row) for row in rows}) == 1 and set("".join(rows[1])) <= set("- ")
    return rows[2:]


@pytest.mark.slow
def test_data(capsys):
    pytest.importorskip("PIL")
    benchmark.main(["data", "--samples", "1", "--files", "1", "--height", "90", "--width", "120"])
    text = capsys.readouterr().out
    rows = cells(text)
    assert [row[:3] for row in rows] == [["base", "512", "256-512"], ["joint", "2048", "1024-2048"]]
    for row in rows:
        assert float(row[3]) > 0 and float(row[4]) > 0 and float(row[5].rstrip("x")) > 0 and float(row[6]) > 0
    assert "cores" in text and "numpy" in text and "120x90" in text


def test_samples_of_both_sides_are_alike(tmp_path):
    pytest.importorskip("PIL")
    import numpy as np

    from bgmatting.benchmarks.authors_pillow import pil_sample
    from bgmatting.dataset.layouts.pictures import backgrounds, fgr_pha_folders
    bench_data.write_pictures(tmp_path, 1, 90, 120)
    pairs, scenes = fgr_pha_folders(tmp_path, {"fgr": "fgr", "pha": "pha"}), backgrounds(tmp_path, "bgr")
    files = [tmp_path / kind / "0.jpg" for kind in bench_data.KINDS]
    means = np.array([[[image.mean() / top for image in sample] for sample, top in (
        (pil_sample(np.random.default_rng(seed), files, (40, 56), 64, (0.4, 1.0)), 1),
        (bench_data.our_sample(np.random.default_rng(seed), pairs, scenes, 0, (40, 56), 64, (0.4, 1.0)), 255))]
        for seed in range(60)]).mean(0)
    assert means[0, 1] == pytest.approx(means[1, 1], rel=0.15) and means[0, 2] == pytest.approx(means[1, 2], rel=0.1)


@pytest.mark.slow
def test_train(capsys):
    benchmark.main(["train", "--crop", "64", "--batch", "2", "--steps", "1", "--device", "cpu", "--phase", "joint"])
    rows = cells(capsys.readouterr().out)
    row, = rows
    assert row[:5] == ["mobilenetv2", "joint", "64x64", "2", "cpu"]
    assert float(row[5]) > 0 and float(row[6]) == pytest.approx(2 * float(row[5]), rel=0.02)
    assert row[7] == "-" or float(row[7].split()[0]) > 0


def ended(code, stderr=""):
    return lambda *_, **__: subprocess.CompletedProcess([], code, "", stderr)


WORK = {"backbone": "mobilenetv2", "phase": "base", "crop": 64, "batch": 2, "steps": 1, "device": None}


@pytest.mark.parametrize("code, stderr, said", [
    (-9, "", "does not fit in memory"), (1, "std::bad_alloc", "does not fit in memory"),
    (1, "ResourceExhaustedError: \n\nOut of memory error on GPU 0", "does not fit in memory"),
    (1, "Traceback\nKeyError: 'x'", "failed: KeyError: 'x'")])
def test_a_combination_that_fails_is_named(monkeypatch, code, stderr, said):
    monkeypatch.setattr(subprocess, "run", ended(code, stderr))
    found = bench_train.measured(WORK)
    assert found == {"error": said}
    assert len(cells("\n".join(bench_train.heading(1) + [bench_train.row(WORK, found)]))) == 1


def test_what_cannot_be_measured(monkeypatch):
    for line in ("train --crop 30", "train --crop 32 --phase joint", "train --steps 0", "train --batch 0",
                 "data --samples 0", "infer --device gpu:7", "train --device gpu:7"):
        with pytest.raises(UserError):
            benchmark.main(line.split())
    monkeypatch.setattr(subprocess, "run", ended(2, "warning\nerror: unknown backbone 'x'."))
    with pytest.raises(UserError, match="unknown backbone 'x'"):
        bench_train.measured(WORK)


@pytest.mark.slow
def test_infer(capsys):
    benchmark.main(["infer", "--backend", "paddle", "paddle-inference", "openvinoo", "--size", "160x96",
                    "--rounds", "1", "--frames", "1", "--device", "cpu", "--sample-pixels", "1600"])
    text = capsys.readouterr().out
    rows = cells(text)
    assert [row[:2] for row in rows[:2]] == [["paddle", "cpu"], ["paddle-inference", "cpu"]]
    for row in rows[:2]:
        assert float(row[2]) > 0 and float(row[3]) > 0 and float(row[4].split()[0]) > 0 and float(row[5].split()[0]) > 0
    assert float(rows[1][6].split()[0]) < 1e-4
    assert rows[2][0] == "openvinoo" and "unknown backend" in rows[2][1] and "mobilenetv2, 160x96" in text


def test_ratios_to_a_peer():
    rows = [bench_infer.Row(name, [], Path("nowhere"), {}) for name in ("openvino", "authors, eager")]
    for row, seconds in zip(rows, (0.2, 0.5)):
        row.seconds, row.facts = [seconds], {"device": "cpu", "memory": 2 ** 30 * seconds, "start": 1.0}
    assert bench_infer.render(rows, "mobilenetv2", 8, 8)[-1] == (
        "- openvino: speed 2.50x authors, eager; peak memory 0.40x authors, eager")


@pytest.mark.parametrize("flags, said", [
    ("--size huge",
     "cannot read the size 'huge'; use 512, 1920x1080 .width x height., hd, 4k"),
    ("--size 0x9", "the size is 0x9"), ("--rounds 0", "must be 1 or more"),
    ("--peer nowhere", "nowhere is not a checkout")])
def test_infer_flags(flags, said):
    with pytest.raises(UserError, match=said):
        benchmark.main(["infer", *flags.split()])
