import json

import numpy as np
import pytest

from bgmatting.evaluation.page.load import read_results
from bgmatting.evaluation.protocols import Column
from bgmatting.utils.errors import UserError


def edit(folder, change):
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    change(content)
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_one_folder(evaluation):
    results = read_results([evaluation()])
    assert results.names == ["10.png", "9.png", "b.png", "a.png", "c d/é.png"]
    assert list(results.columns) == ["sad", "mse", "grad", "conn", "fg_mse"]
    assert list(results.errors["network"]["sad"]) == [5, 1, 3, 2, 4]
    assert np.isnan(results.errors["keying"]["fg_mse"]).all()
    assert results.settings == {"network": {"backend": "network"}, "keying": {"backend": "keying"}}
    assert results.pictures["b.png"]["pred"]["keying"].is_file()
    assert results.runs[0][1]["command"] == "python eval.py --x 1" and results.notes == []


def test_another_folder_in_another_order(evaluation):
    results = read_results([evaluation("one"), evaluation("two", ["c d/é.png", "a.png", "b.png", "9.png", "10.png"])])
    assert list(results.errors) == ["network (one)", "keying (one)", "network (two)", "keying (two)"]
    assert list(results.errors["network (two)"]["sad"]) == [4, 2, 3, 1, 5]
    assert set(results.pictures["a.png"]["pred"]) == set(results.errors)


def test_a_method_with_the_same_numbers_is_shown_once(evaluation):
    def same_keying(content):
        content["methods"]["keying"] = json.loads((one / "results.json").read_text())["methods"]["keying"]

    one = evaluation("one")
    two = edit(evaluation("two", factor=2.0), same_keying)
    assert list(read_results([one, two]).errors) == ["network (one)", "keying", "network (two)"]
    assert list(read_results([one, evaluation("copy")]).errors) == ["network", "keying"]


def test_folders_of_other_settings_carry_a_note(evaluation):
    results = read_results([evaluation("one"), evaluation("two", factor=2.0, seed=1, sample_data=True,
                                                           protocol={"trimap": "two steps"})])
    assert [note for note in results.notes if "differ in seed, protocol.trimap, so" in note]
    assert [note for note in results.notes if "generated sample images" in note]


@pytest.mark.parametrize("text, words", (
    *((text, "results.json") for text in (None, "", "[]", "{}", '{"methods": {}}', '{"methods": {"a": {"images": []}}}',
                                          '{"methods": {"a": {"images": [{"sad": 1}]}}}', "\xff")),
    ('{"methods": {"a": {"images": [{"name": "x", "sad": null}]}}}', "--trimap")))
def test_a_damaged_file_or_one_without_a_number(tmp_path, text, words):
    if text is not None:
        (tmp_path / "results.json").write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=words):
        read_results([tmp_path])


def test_values_that_are_no_numbers_are_missing_and_other_pictures_refused(evaluation):
    def spoil(content):
        rows = content["methods"]["network"]["images"]
        rows[0]["sad"], rows[1]["sad"] = float("nan"), "many"
        del rows[2]["sad"]

    folder = edit(evaluation(), spoil)
    assert np.array_equal(read_results([folder]).errors["network"]["sad"], [np.nan, np.nan, np.nan, 2, 4], equal_nan=True)
    with pytest.raises(UserError, match=r"\(2\).*\(5\).*9.png.*a.png.*b.png"):
        read_results([folder, evaluation("two", ["10.png", "other.png"])])


@pytest.mark.parametrize("path", ("../secret.png", "/etc/secret.png", "pictures/../../secret.png"))
def test_pictures_outside_the_folder_are_refused(evaluation, path):
    folder = edit(evaluation(), lambda content: content["pictures"]["b.png"].update(src=path))
    with pytest.raises(UserError, match="names an image outside its folder"):
        read_results([folder])


def test_how_values_are_shown():
    sad, mse = Column("SAD", 1, ""), Column("MSE ×1000", 1000, "")
    assert (sad.text(1.23456), mse.text(0.0123), sad.text(12345.67)) == ("1.235", "12.300", "12345.7")
    assert (sad.text(None), sad.text(float("nan"))) == ("-", "-")
    assert (sad.text(2, sign=True), sad.text(-2, sign=True), sad.text(0, sign=True)) == ("+2.000", "-2.000", "0.000")


def test_columns_are_those_of_the_file(evaluation):
    columns = read_results([evaluation("old")]).columns
    assert columns["mse"] == Column("MSE ×1000", 1000, "") and columns["sad"] == Column("SAD", 1, "")
    shown = {"mse": {"title": "MSE x2 e3", "times": 1000}, "grad": {"title": "Grad", "times": 0.001}}
    columns = read_results([evaluation("new", shown=shown, units={"mse": "twice"})]).columns
    assert columns["mse"] == Column("MSE x2 ×1000", 1000, "twice") and columns["grad"].text(4000) == "4.000"
    with pytest.raises(UserError, match="'mse'"):
        read_results([evaluation("old"), evaluation("new", shown=shown)])


def test_pictures_that_belong_together(evaluation):
    assert read_results([evaluation()]).groups is None
    names = ["a_1_0", "a_1_1", "b_0", "b_1", "c_0"]
    results = read_results([evaluation(names=names, backgrounds_each=2)])
    assert results.groups == ["a_1", "a_1", "b", "b", "c"] and "5 images show 3 clips or foregrounds" in results.notes[0]
    results = read_results([evaluation(names=["x/0", "x/1", "y/z/0", "y/z/1", "w"], protocol={"sequences": True})])
    assert results.groups == ["x", "x", "y/z", "y/z", "w"]
    assert read_results([evaluation(names=["x/0", "x/1", "y/z/0"])]).groups == ["x", "x", "y/z"]
    assert read_results([evaluation(names=["x/0_0", "x/0_1", "y/0_0", "y/0_1"], backgrounds_each=2)]).groups == list("xxyy")
    assert read_results([evaluation(names=["x/0", "y/0"])]).groups is None
