import csv
import json
import os
from collections import namedtuple

import numpy as np
import pytest

import eval as eval_script
from dataset.evaluation import EvalItem
from utils.errors import UserError, run_main
from utils.evaluate import ahead, evaluate, keying_method, matter_method, mean_of, score
from utils.media import write_image
from utils.report import comparison, heading, line, prepare_folder, write_report
from utils.trimap import make_trimap

Matte = namedtuple("Matte", "pha fgr err ref")


def item(seed, size=(40, 44)):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size[0], :size[1]]
    pha = (np.clip((12 + seed - np.hypot(y - 20, x - 22)) / 5 + 0.5, 0, 1) * 255).astype(np.uint8)
    bgr = rng.integers(0, 90, (*size, 3), dtype=np.uint8)
    fgr = np.full((*size, 3), 220, np.uint8)
    weight = pha[..., None] / 255
    src = (fgr * weight + bgr * (1 - weight)).astype(np.uint8)
    return EvalItem(f"item{seed}", src, bgr, pha, fgr, make_trimap(pha))


ITEMS = [item(seed) for seed in range(5)]


def half(src, bgr):
    return np.full(src.shape[:2], 128, np.uint8), None


class FakeMatter:
    """Answers with brightness for alpha: close to the truth on the pictures of this file."""

    settings = {"weights": "fake.pdparams", "sha256": "0" * 64, "device": "cpu", "backbone": "mobilenetv2"}

    def __init__(self, weights=None, **options):
        if weights == "missing.pdparams":
            raise UserError("no such weights file: missing.pdparams.")
        self.options = options

    def predict(self, src, bgr):
        pha = np.clip((src.mean(axis=2) - 60) / 150, 0, 1).astype(np.float32)
        return Matte(pha, src.astype(np.float32) / 255, np.zeros_like(pha), np.zeros_like(pha))


def test_a_perfect_method_scores_zero():
    truth = {one.src.tobytes(): one for one in ITEMS}
    rows, mean = evaluate(lambda src, bgr: (truth[src.tobytes()].pha, truth[src.tobytes()].fgr), ITEMS)
    assert [row["name"] for row in rows] == [f"item{i}" for i in range(5)]
    assert mean == {"sad": 0, "mse": 0, "grad": 0, "conn": 0, "fg_mse": 0}


def test_score_without_a_foreground():
    rows, mean = evaluate(half, ITEMS)
    assert mean["fg_mse"] is None and mean["sad"] > 0
    assert mean["sad"] == pytest.approx(sum(row["sad"] for row in rows) / 5)


def test_mean_of_passes_over_missing_values():
    rows = [{"sad": 1, "mse": 2, "grad": 3, "conn": 4, "fg_mse": None}, {"sad": 3, "mse": 2, "grad": 5, "conn": 4,
                                                                        "fg_mse": 7}]
    assert mean_of(rows) == {"sad": 2, "mse": 2, "grad": 4, "conn": 4, "fg_mse": 7}
    with pytest.raises(UserError, match="empty"):
        mean_of([])


def test_sizes_are_cut_to_multiples_of_four():
    odd = item(1, (43, 47))
    spoilt = odd.pha.copy()
    spoilt[40:], spoilt[:, 44:] = 255, 255
    assert score(odd, spoilt, odd.fgr) == {"name": "item1", "sad": 0, "mse": 0, "grad": 0, "conn": 0, "fg_mse": 0}


@pytest.mark.parametrize("workers", (0, 1, 3, 9))
def test_workers_change_nothing(workers):
    assert evaluate(keying_method, ITEMS, workers) == evaluate(keying_method, ITEMS)
    assert list(ahead(list(range(20)), workers)) == list(range(20))


def test_another_order_gives_the_same_rows():
    rows, mean = evaluate(keying_method, ITEMS)
    backward, other = evaluate(keying_method, ITEMS[::-1])
    assert backward[::-1] == rows
    assert other == pytest.approx(mean)


def test_an_error_while_preparing_reaches_the_caller():
    class Broken(list):
        def __getitem__(self, index):
            raise UserError("damaged picture")

    with pytest.raises(UserError, match="damaged picture"):
        evaluate(half, Broken([1, 2, 3]), workers=2)


def test_matter_method_rounds_and_clips():
    class Matter:
        def predict(self, src, bgr):
            return Matte(np.array([[-0.1, 0.5, 1.2]], np.float32), np.full((1, 3, 3), 0.1, np.float32), None, None)

    pha, fgr = matter_method(Matter())(None, None)
    assert pha.tolist() == [[0, 128, 255]] and (fgr == 26).all() and pha.dtype == fgr.dtype == np.uint8


def test_an_answer_that_is_not_finite_is_named():
    class Matter:
        def predict(self, src, bgr):
            return Matte(np.full((1, 3), np.nan), np.zeros((1, 3, 3)), None, None)

    with pytest.raises(UserError, match="not finite"):
        matter_method(Matter())(None, None)


def test_the_table_shows_both_mse_times_a_thousand():
    row = {"sad": 8.65, "mse": 0.00957, "grad": 8736.4, "conn": 6637.2, "fg_mse": None}
    assert heading().split() == ["image", "SAD", "MSE", "e3", "Grad", "Conn", "FG", "MSE", "e3"]
    assert line("a.png", row).split() == ["a.png", "8.650", "9.570", "8736.4", "6637.2", "-"]
    assert len(line("x" * 80, row)) == len(heading())


def test_comparison_says_who_wins():
    mean = {"sad": 2.0, "mse": 0.4, "grad": 0, "conn": 5, "fg_mse": None}
    base = {"sad": 8.0, "mse": 0.1, "grad": 3, "conn": 5, "fg_mse": 1}
    assert comparison(mean, base).endswith("SAD 4.00 times lower, MSE 4.00 times HIGHER, Grad down to 0, Conn equal")


def test_report_files(tmp_path):
    rows, mean = evaluate(half, ITEMS)
    csv_path, json_path = write_report(tmp_path / "new", {"seed": 3, "size": [40, 44]}, {"network": (rows, mean)})
    with open(csv_path, newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["name"] for line in table] == [f"item{i}" for i in range(5)] + ["mean"]
    assert float(table[2]["sad"]) == rows[2]["sad"] and table[2]["fg_mse"] == ""
    content = json.loads(json_path.read_text())
    assert content["seed"] == 3 and content["methods"]["network"] == {"mean": mean, "images": rows}
    assert content["versions"]["numpy"] == np.__version__ and content["date"] and content["units"]


@pytest.fixture
def data_root(tmp_path, monkeypatch):
    monkeypatch.setattr("model.Matter", FakeMatter)
    for one in ITEMS[:3]:
        write_image(tmp_path / "data" / "PhotoMatte85" / f"{one.name}.png", np.dstack([one.fgr, one.pha]))
    for number in range(12):
        write_image(tmp_path / "data" / "Backgrounds" / "test" / f"{number}.png", ITEMS[number % 5].bgr)
    return tmp_path / "data"


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        run_main(eval_script.main, [str(argument) for argument in arguments])
    return stop.value.code


def test_the_script_end_to_end(data_root, tmp_path, capsys):
    assert run("--data_root", data_root, "--size", "64x72", "--output", tmp_path / "out", "--seed", "4") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[0] for text in lines[1:4]] == ["item0", "item1", "item2"]
    assert lines[4].startswith("mean of 3, network") and lines[5].startswith("mean of 3, keying")
    assert "SAD" in lines[6] and "lower" in lines[6]
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["size"] == [64, 72] and content["seed"] == 4 and content["sha256"] == "0" * 64
    assert content["dataset"] == "PhotoMatte85" and content["count"] == 3 and not content["sample_data"]
    assert set(content["methods"]) == {"network", "keying"} and len(content["methods"]["keying"]["images"]) == 3
    assert content["methods"]["network"]["mean"]["sad"] < content["methods"]["keying"]["mean"]["sad"]


def test_the_script_without_baseline_and_with_a_limit(data_root, tmp_path, capsys):
    arguments = ("--data-root", data_root, "--size", "original", "--limit", "2", "--no-baseline")
    assert run(*arguments, "--output", tmp_path / "a") == run(*arguments, "--output", tmp_path / "b") == 0
    first, second = (json.loads((tmp_path / name / "results.json").read_text()) for name in "ab")
    assert set(first["methods"]) == {"network"} and first["methods"] == second["methods"] and first["size"] is None
    assert "keying" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments, message", (
    (("--dataset-name", "PhotoMate85"), "PhotoMatte85"),
    (("--background-name", "nothing"), "nothing"),
    (("--weights", "missing.pdparams"), "no such weights file"),
    (("--size", "big"), "cannot read the size 'big'"),
    (("--size", "0"), "size is 0x0"),
    (("--limit", "0"), "limit is 0"),
    (("--seed", "-1"), "seed is -1"),
))
def test_bad_input_is_one_line_and_code_2(data_root, tmp_path, capsys, arguments, message):
    assert run("--data-root", data_root, "--output", tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


def test_an_empty_dataset_is_named(data_root, tmp_path, capsys):
    for file in (data_root / "PhotoMatte85").iterdir():
        file.unlink()
    assert run("--data-root", data_root, "--output", tmp_path / "out") == 2
    assert "PhotoMatte85" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write into the output folder"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(UserError, match="cannot write into the output folder"):
        prepare_folder(tmp_path / "file" / "below")
    assert os.listdir(prepare_folder(tmp_path / "fine")) == []
