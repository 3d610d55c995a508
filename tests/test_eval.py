import csv
import json
from collections import namedtuple

import numpy as np
import pytest

from bgmatting.commands import eval as eval_script
from bgmatting.evaluation.page import write_page
from bgmatting.media import list_image_names, read_image, write_image
from bgmatting.model.methods import find_method
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError

Matte = namedtuple("Matte", "pha fgr err ref")


class FakeMatter:
    """Answers with brightness for alpha: close to the truth on the pictures of this file."""

    method = find_method("background")
    settings = {"weights": "fake.pdparams", "sha256": "0" * 64, "device": "cpu", "backbone": "mobilenetv2"}

    def __init__(self, weights=None, **options):
        if weights == "missing.pdparams":
            raise UserError("no such weights file: missing.pdparams.")
        self.options = options

    def predict(self, src, bgr, want):
        pha = np.clip((src.mean(axis=2) - 60) / 150, 0, 1).astype(np.float32)
        return Matte(pha, src.astype(np.float32) / 255, np.zeros_like(pha), np.zeros_like(pha))


def subject(number, size=(40, 44)):
    """A soft disc in front of noise: fgr, pha, bgr."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:size[0], :size[1]]
    pha = (np.clip((12 + number - np.hypot(y - 20, x - 22)) / 5 + 0.5, 0, 1) * 255).astype(np.uint8)
    return np.full((*size, 3), 220, np.uint8), pha, rng.integers(0, 90, (*size, 3), dtype=np.uint8)


@pytest.fixture
def data_root(tmp_path):
    for number in range(3):
        fgr, pha, _ = subject(number)
        write_image(tmp_path / "data" / "PhotoMatte85" / f"item{number}.png", np.dstack([fgr, pha]))
    for number in range(12):
        write_image(tmp_path / "data" / "Backgrounds" / "test" / f"{number}.png", subject(number % 5)[2])
    return tmp_path / "data"


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        run_main(eval_script.main, [str(argument) for argument in arguments])
    return stop.value.code


def test_the_script_end_to_end(data_root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bgmatting.evaluation.page.write_page", write_page)
    assert run("--data_root", data_root, "--size", "72x64", "--output", tmp_path / "out", "--seed", "4") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("protocol paper: ") and lines[0].endswith("changed: size 72x64")
    assert [text.split()[0] for text in lines[2:5]] == ["item0", "item1", "item2"]
    assert lines[6].startswith("mean of 3, network") and lines[7].startswith("mean of 3, keying")
    assert "SAD" in lines[8] and "lower" in lines[8] and "images/s" in lines[9]
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["size"] == [64, 72] and content["seed"] == 4 and content["sha256"] == "0" * 64
    assert content["dataset"] == "PhotoMatte85" and content["count"] == 3 and not content["sample_data"]
    assert content["protocol"]["name"] == "paper" and content["changed"] == {"size": [64, 72]}
    assert content["command"].startswith("eval.py --data_root ") and content["methods"]["keying"]["settings"]
    assert content["methods"]["network"]["settings"]["sha256"] == "0" * 64
    assert all((tmp_path / "out" / path).is_file() for path in content["pictures"]["item1"]["pred"].values())
    assert set(content["methods"]) == {"network", "keying"} and len(content["methods"]["keying"]["images"]) == 3
    assert (tmp_path / "out" / "index.html").is_file() and (tmp_path / "out" / "sheet.png").is_file()
    assert content["methods"]["network"]["mean"]["sad"] < content["methods"]["keying"]["mean"]["sad"]


@pytest.mark.slow
def test_the_script_without_baseline_and_with_a_limit(data_root, tmp_path, capsys):
    arguments = ("--data-root", data_root, "--size", "original", "--limit", "2", "--no-baseline")
    assert run(*arguments, "--output", tmp_path / "a") == run(*arguments, "--output", tmp_path / "b") == 0
    first, second = (json.loads((tmp_path / name / "results.json").read_text()) for name in "ab")
    assert set(first["methods"]) == {"network"} and first["methods"] == second["methods"] and first["size"] is None
    assert "keying" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments, message", (
    (("--dataset-name", "PhotoMate85"), "PhotoMatte85"),
    (("--background-name", "nothing"), "nothing"),
    (("--background-name", "rgb(300,0,0)"), "rgb(300,0,0)"),
    (("--weights", "missing.pdparams"), "missing.pdparams"),
    (("--size", "big"), "'big'"),
    (("--size", "0"), "0x0"),
    (("--size", "1080x1920"), "w1080h1920"),
    (("--limit", "0"), "limit"),
    (("--seed", "-1"), "-1"),
    (("--protocol", "papers"), "'paper'"),
    (("--trimap", "round"), "'round'"),
    (("--baselines", "mog"), "'mog2'"),
    (("--workers", "-1"), "--workers"),
    (("--backgrounds-each", "0"), "backgrounds"),
    (("--sequences", "--protocol", "rvm"), "PhotoMatte85"),
    (("--sequences", "--size", "64"), "--sequences"),
    (("--pred", "nowhere"), "nowhere"),
    (("--noise", "3"), "--noise"),
    (("--noise", "-0.1"), "--noise"),
    (("--noise", "nan", "--export-set", "bench"), "--noise"),
))
def test_bad_input_is_one_line_and_code_2(data_root, tmp_path, capsys, arguments, message):
    assert run("--data-root", data_root, "--output", tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


def figures(folder):
    content = json.loads((folder / "results.json").read_text())
    return {word: one["images"] for word, one in content["methods"].items()}


@pytest.mark.slow
def test_an_exported_set_gives_the_same_figures(data_root, tmp_path, capsys):
    common = ("--data-root", data_root, "--size", "56x48")
    assert run(*common, "--export-set", tmp_path / "bench") == run(*common, "--output", tmp_path / "a") == 0
    assert sorted(list_image_names(tmp_path / "bench" / "trimap")) == ["item0.png", "item1.png", "item2.png"]
    assert run("--folder", tmp_path / "bench", "--output", tmp_path / "b", "--workers", "2") == 0
    assert figures(tmp_path / "a") == figures(tmp_path / "b")
    facts = json.loads((tmp_path / "b" / "results.json").read_text())
    assert facts["dataset"] == "PhotoMatte85" and facts["seed"] == 0 and facts["changed"] == {"size": [48, 56]}
    capsys.readouterr()
    assert run("--folder", tmp_path / "bench", "--size", "64") == run("--folder", tmp_path / "bench", "--seed", "0") == 2
    assert capsys.readouterr().err.splitlines()[0].startswith("error: --size is for sets that are composed")


@pytest.mark.slow
def test_foreign_mattes_are_scored_without_the_network(data_root, tmp_path, capsys, monkeypatch):
    common = ("--data-root", data_root, "--size", "48")
    run(*common, "--export-set", tmp_path / "bench")
    monkeypatch.setattr("bgmatting.model.Matter", None)
    output = "--output", tmp_path / "out"
    assert run("--folder", tmp_path / "bench", "--pred", tmp_path / "bench" / "pha", *output) == 0
    assert f"; images as they are in {tmp_path / 'bench'}" in capsys.readouterr().out
    assert list(figures(tmp_path / "out")) == ["pha", "keying"]
    assert figures(tmp_path / "out")["pha"][2] == {"name": "item2", "sad": 0, "mse": 0, "grad": 0, "conn": 0, "fg_mse": None}
    assert run(*common, "--pred", tmp_path / "bench", *output) == 0   # composed on the fly, with the foreground as well
    assert figures(tmp_path / "out")["bench"][0]["fg_mse"] == 0
    write_image(tmp_path / "bench" / "pha" / "item3.png", np.zeros((48, 48), np.uint8))
    capsys.readouterr()
    assert run(*common, "--pred", tmp_path / "bench" / "pha", *output) == 2
    assert "1 mattes that belong to no image" in capsys.readouterr().err
    assert run(*common, "--pred", tmp_path / "bench" / "pha", "--limit", "2", *output) == 0


def test_several_weights_are_compared(data_root, tmp_path, capsys):
    weights = "run1/model.pdparams", "run2/model.pdparams"
    assert run("--data-root", data_root, "--size", "48", "--weights", *weights, "--precision", "fp32", "bf16",
               "--baselines", "keying", "mog2", "--output", tmp_path / "out") == 0
    assert list(figures(tmp_path / "out")) == ["run1/model fp32", "run1/model bf16", "run2/model fp32", "run2/model bf16",
                                               "keying", "mog2"]
    text = capsys.readouterr().out
    assert "mean of 3, run2/model bf16" in text and "run2/model bf16 against difference keying" in text
    with open(tmp_path / "out" / "results.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6 * 4


def test_files_of_one_folder_and_names_of_baselines_are_kept_apart(data_root, tmp_path):
    common = ("--data-root", data_root, "--size", "48", "--output", tmp_path / "out")
    assert run(*common, "--weights", "run/model.safetensors", "run/model.pdparams", "--no-baseline") == 0
    assert list(figures(tmp_path / "out")) == ["model.safetensors", "model.pdparams"]
    assert run(*common, "--weights", "knn.safetensors", "starter", "--baselines", "knn") == 0
    rows = figures(tmp_path / "out")
    assert list(rows) == ["network knn", "starter", "knn"] and rows["network knn"] == rows["starter"] != rows["knn"]
    assert run(*common[:4], "--export-set", tmp_path / "knn") == 0
    assert run(*common, "--pred", tmp_path / "knn", "--no-baseline") == 0
    rows = figures(tmp_path / "out")
    assert list(rows) == ["pred knn"] and [row["fg_mse"] for row in rows["pred knn"]] == [0, 0, 0]  # of its own fgr


def test_mattes_are_never_written_among_those_that_are_scored(data_root, tmp_path, capsys):
    common = ("--data-root", data_root, "--size", "48", "--no-baseline", "--save-results", "--workers", "0")
    assert run(*common, "--output", tmp_path / "a") == 0
    kept = tmp_path / "a" / "mattes"
    before = {path: (path.read_bytes(), path.stat().st_ino) for path in sorted(kept.rglob("*.png"))}
    below = kept / "network" / "below"
    for name in ("item0", "item1", "item2"):
        write_image(below / f"{name}.png", np.zeros((48, 48), np.uint8))
    for flags in (("--pred", below, "--weights", "starter"), ("--pred", kept / "network")):
        capsys.readouterr()
        assert run(*common, "--limit", "1", "--output", tmp_path / "a", *flags) == 2
        said = capsys.readouterr()
        assert said.err.startswith("error: ") and said.err.count("\n") == 1 and "item0" not in said.out
    assert {path: (path.read_bytes(), path.stat().st_ino) for path in before} == before and len(before) == 3
    assert sorted(path.name for path in kept.iterdir()) == ["network"]
    assert run(*common, "--limit", "1", "--output", tmp_path / "b", "--pred", below) == 0
    assert (tmp_path / "b" / "mattes" / "below" / "item0.png").is_file()


@pytest.mark.slow
def test_paddle2021_doubles_and_says_so(data_root, tmp_path, capsys):
    common = ("--data-root", data_root, "--size", "48", "--protocol", "paddle2021")
    assert run(*common, "--export-set", tmp_path / "bench") == run(*common, "--output", tmp_path / "a") == 0
    text = capsys.readouterr().out
    assert "SAD x2" in text and "Plain values are about half" in text
    same = ("--folder", tmp_path / "bench")
    assert run(*same, "--protocol", "plain", "--trimap", "soft", "--output", tmp_path / "b") == 0
    for doubled, plain in zip(figures(tmp_path / "a")["network"], figures(tmp_path / "b")["network"]):
        assert doubled["sad"] == pytest.approx(2 * plain["sad"], rel=5e-3) and doubled["sad"] != 2 * plain["sad"] > 0
        assert doubled["mse"] == pytest.approx(2 * plain["mse"], rel=1e-2)
    for doubled, plain in zip(figures(tmp_path / "a")["keying"], figures(tmp_path / "b")["keying"]):  # has 8 bits in both
        assert doubled["sad"] == 2 * plain["sad"] > 0
        assert doubled["mse"] == pytest.approx(2 * plain["mse"], rel=1e-2) and doubled["mse"] < 2 * plain["mse"]
    assert run(*same, "--output", tmp_path / "c") == 0   # the manifest names the protocol, and that says how alpha is scored
    assert figures(tmp_path / "c")["network"] == figures(tmp_path / "a")["network"]


@pytest.mark.slow
def test_the_last_step_is_named_where_it_is_on(data_root, tmp_path, capsys, monkeypatch):
    seen = []

    class Seen(FakeMatter):
        def __init__(self, weights=None, unmix=None, **options):
            super().__init__(weights, **options)
            seen.append(unmix)

    monkeypatch.setattr("bgmatting.model.Matter", Seen)
    common = ("--data-root", data_root, "--size", "48", "--limit", "1", "--no-baseline", "--output", tmp_path / "out")
    for flags, rows, said in (
            (("--no-unmix",), {"network": False}, None), (("--unmix",), {"network + unmix": True}, "on"),
            (("--unmix", "both"), {"network": False, "network + unmix": True}, "both"),
            (("--protocol", "sample", "--no-unmix"), {"network": False}, "off")):
        seen.clear()
        assert run(*common, *flags) == 0
        facts = json.loads((tmp_path / "out" / "results.json").read_text())
        assert list(facts["methods"]) == list(rows) and seen == list(rows.values())
        assert facts["changed"].get("unmix") == said
        assert (f", unmix {said}" in capsys.readouterr().out.splitlines()[0]) == (said is not None)


@pytest.fixture(scope="module")
def small_sets(tmp_path_factory):
    """Sets in the layouts of the real ones: two clips, a person, backgrounds."""
    root = tmp_path_factory.mktemp("sets")
    for clip, frame in ((clip, frame) for clip in range(2) for frame in range(3)):
        for kind, picture in zip(("fgr", "pha"), subject(clip + 2 * frame)):
            write_image(root / f"VideoMatte240K_JPEG_SD/test/{kind}/000{clip}/000{frame}.jpg", picture)
    for kind, picture in zip(("FG", "GT"), subject(0)):
        write_image(root / "Distinctions646_person" / "Test" / kind / "person_0000.png", picture)
    for number in range(12):
        write_image(root / "Backgrounds" / f"{number}.jpg", subject(number, (90, 120))[2])
    return root


@pytest.fixture(autouse=True)
def no_network_and_no_page(monkeypatch):
    monkeypatch.setattr("bgmatting.model.Matter", FakeMatter)
    monkeypatch.setattr("bgmatting.evaluation.page.write_page", lambda *folders: ())
    monkeypatch.setattr("bgmatting.evaluation.methods.recognised", lambda file: (FakeMatter.method, {}))


def test_people_stand_before_five_backgrounds(small_sets, tmp_path):
    assert run("--data-root", small_sets, "--dataset-name", "Distinctions646_person", "--size", "64",
               "--output", tmp_path / "out") == 0
    assert [row["name"] for row in figures(tmp_path / "out")["network"]] == [f"person_0000_{k}" for k in range(5)]


@pytest.mark.slow
def test_clips_stand_before_one_background_and_get_errors_over_time(small_sets, tmp_path, capsys):
    common = ("--data-root", small_sets, "--dataset-name", "VideoMatte240K", "--sequences", "--protocol", "rvm")
    assert run(*common, "--export-set", tmp_path / "bench") == 0
    frames = [read_image(tmp_path / "bench" / "bgr" / "0000" / f"000{number}.png") for number in range(3)]
    assert np.array_equal(frames[0], frames[1]) and np.array_equal(frames[0], frames[2])
    assert not (tmp_path / "bench" / "trimap").exists()
    assert run("--folder", tmp_path / "bench", "--output", tmp_path / "a") == run(*common, "--output", tmp_path / "b") == 0
    assert figures(tmp_path / "a") == figures(tmp_path / "b")
    first, second, _ = figures(tmp_path / "a")["keying"][:3]
    assert first["dtssd"] == 0 and first["messddt"] is None and second["dtssd"] > 0 and second["messddt"] > 0
    assert "dtSSD e2" in capsys.readouterr().out
