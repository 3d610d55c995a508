import csv
import json
import os

import numpy as np
import pytest

from bgmatting.evaluation.gallery import Gallery
from bgmatting.evaluation.methods import as_u8
from bgmatting.evaluation.pipeline import ahead, evaluate_items
from bgmatting.evaluation.protocols import PROTOCOLS
from bgmatting.evaluation.report import comparison, heading, line, write_report
from bgmatting.evaluation.scoring import Result, mean_of, score
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.utils.errors import UserError
from tests.evaluation.items import item

ITEMS = [item(seed) for seed in range(5)]


def half(one):
    return np.full(one.src.shape[:2], 128, np.uint8), None


def test_mean_of_passes_over_missing_values():
    rows = [{"sad": 1, "mse": 2, "grad": 3, "conn": 4, "fg_mse": None}, {"sad": 3, "mse": 2, "grad": 5, "conn": 4,
                                                                        "fg_mse": 7}]
    assert mean_of(rows) == {"sad": 2, "mse": 2, "grad": 4, "conn": 4, "fg_mse": 7}
    with pytest.raises(UserError, match="empty"):
        mean_of([])


def test_a_picture_with_nothing_unknown_has_no_score_and_no_say():
    sure = ITEMS[0]._replace(trimap=np.where(ITEMS[0].pha > 127, np.uint8(255), np.uint8(0)))
    rows, mean = evaluate_items(half, [sure, ITEMS[1]])
    assert rows[0] == {"name": "item0", "sad": None, "mse": None, "grad": None, "conn": None, "fg_mse": None}
    assert mean["sad"] == rows[1]["sad"] > 0
    assert line("item0", rows[0]).split() == ["item0", "-", "-", "-", "-", "-"]
    assert evaluate_items(half, [sure])[1] == dict.fromkeys(("sad", "mse", "grad", "conn", "fg_mse"))


@pytest.mark.parametrize("workers", (0, 3))
def test_what_is_made_ahead_keeps_its_order(workers):
    assert list(ahead(list(range(20)), workers)) == list(range(20))


@pytest.mark.parametrize("workers", (0, 2))
def test_an_error_while_preparing_reaches_the_caller(workers):
    class Broken(list):
        def __getitem__(self, index):
            raise UserError("damaged picture")

    with pytest.raises(UserError, match="damaged picture"):
        list(ahead(Broken([1, 2, 3]), workers))


def test_answers_are_rounded_and_clipped_and_finite_and_sizes_cut_to_multiples_of_four():
    assert as_u8(np.array([[-0.1, 0.5, 1.2]], np.float32)).tolist() == [[0, 128, 255]]
    with pytest.raises(UserError, match="not finite"):
        as_u8(np.full((1, 3), np.nan))
    odd = item(1, size=(43, 47))
    spoilt = odd.pha.copy()
    spoilt[40:], spoilt[:, 44:] = 255, 255
    assert set(score(PROTOCOLS["paper"], odd, spoilt, odd.fgr).values()) == {"item1", 0}


def test_comparison_says_who_wins():
    mean = {"sad": 2.0, "mse": 0.4, "grad": 0, "conn": 5, "fg_mse": None}
    base = {"sad": 8.0, "mse": 0.1, "grad": 3, "conn": 5, "fg_mse": 1}
    assert comparison(mean, base).endswith("SAD 4.00 times lower, MSE 4.00 times HIGHER, Grad down to 0, Conn equal")


def test_report_of_another_protocol(tmp_path):
    protocol = PROTOCOLS["rvm"].changed(sequences=True)
    row = {"name": "a/0", "mad": 0.5, "mse": 0.25, "grad": 3.0, "conn": 2.0, "fg_mse": None, "dtssd": 0.0, "messddt": None}
    shown = line("a", {**row, "mad": 0.0123, "grad": 1234.5}, protocol.columns)
    assert shown.split() == ["a", "12.300", "250.000", "1.234", "0.002", "-", "0.000", "-"]
    assert len(heading(protocol.columns)) == len(shown)
    gallery = Gallery(1)
    gallery.add("a/0", 0.25, {"src": (".jpg", b"1"), "pred": {"mine": (".png", b"22")}})
    csv_path, json_path = write_report(tmp_path, {"protocol": protocol.facts()},
                                       {"mine": Result([row], mean_of([row]), {"pred": "folder"})}, gallery)
    assert csv_path.read_text().splitlines()[0] == "method,name,mad,mse,grad,conn,fg_mse,dtssd,messddt"
    content = json.loads(json_path.read_text())
    assert content["protocol"]["name"] == "rvm" and content["methods"]["mine"]["settings"] == {"pred": "folder"}
    assert list(content["units"]) == list(protocol.columns) and content["shown"]["grad"]["times"] == 0.001
    assert content["pictures"] == {"a/0": {"src": "pictures/a/0_src.jpg", "pred": {"mine": "pictures/a/0_pred_mine.png"}}}
    assert (tmp_path / "pictures/a/0_pred_mine.png").read_bytes() == b"22"


def test_report_files(tmp_path):
    rows, mean = evaluate_items(half, ITEMS)
    csv_path, json_path = write_report(tmp_path / "new", {"seed": 3, "size": [40, 44]}, {"network": (rows, mean)})
    with open(csv_path, newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["name"] for line in table] == [f"item{i}" for i in range(5)] + ["mean"]
    assert float(table[2]["sad"]) == rows[2]["sad"] and table[2]["fg_mse"] == ""
    content = json.loads(json_path.read_text())
    assert content["seed"] == 3 and content["methods"]["network"] == {"mean": mean, "images": rows, "settings": {}}
    assert content["shown"]["mse"] == {"title": "MSE e3", "times": 1000} and "pictures" not in content
    assert content["versions"]["numpy"] == np.__version__ and content["date"] and content["units"]


def test_names_in_the_table_are_no_formulas_and_may_be_no_text(tmp_path):
    names = ["=1+1", "+a", "-b", "@c", "\tx", "plain", "a=b", os.fsdecode(b"\xff"), "\u202egpj.png"]
    rows = [{"name": name, "sad": -1.5, "mse": 0.5, "grad": 1.0, "conn": 1.0, "fg_mse": None} for name in names]
    csv_path, json_path = write_report(tmp_path, {}, {"=method": Result(rows, mean_of(rows))})
    with open(csv_path, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [line["name"] for line in table] == ["'=1+1", "'+a", "'-b", "'@c", "'\tx", "plain", "a=b", "\\udcff",
                                                "\u202egpj.png", "mean"]
    assert {line["method"] for line in table} == {"'=method"} and {line["sad"] for line in table} == {"-1.5"}
    content = json.loads(json_path.read_text(encoding="utf-8"))
    assert [row["name"] for row in content["methods"]["=method"]["images"]] == names


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_pictures_of_a_few_pixels(name):
    """Where a protocol cuts to a multiple of four, nothing of them counts, and the others are scored as they are."""
    protocol = PROTOCOLS[name]
    for size in ((1, 9), (3, 3), (9, 2)):
        alpha = np.full(size, 128, np.uint8)
        item = EvalItem("strip", None, None, alpha, None, None if protocol.trimap == "whole" else alpha)
        row = score(protocol, item, np.zeros(size, np.uint8))
        assert row["name"] == "strip" and list(row)[1:] == list(protocol.columns)
        assert (row["mse"] is None) == (protocol.cell == 4)
