"""List files: each column, each way of writing a path, and what is wrong with a line."""
import unicodedata

import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.layouts import backgrounds, fgr_pha_folders
from bgmatting.dataset.layouts.lists import listed_pictures
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError

TRAIN = {"fgr": "train/fg", "pha": "train/alpha", "list": "train.txt"}


def write(path, value=9, channels=3):
    write_image(path, np.full((4, 6, channels) if channels else (4, 6), value, np.uint8))


@pytest.fixture
def composition(tmp_path):
    """Composition-1k, small: three foregrounds for training, one for validation, four backgrounds."""
    root = tmp_path / "Composition-1k"
    for part, names in (("train", "abc"), ("val", "v")):
        for name in names:
            write(root / part / "fg" / f"{name}.jpg")
            write(root / part / "alpha" / f"{name}.png", channels=0)
    for name in ("r1", "r2", "r3", "r4"):
        write(root / "bg" / f"{name}.jpg")
    (root / "train.txt").write_text("train/fg/b.jpg bg/r2.jpg\ntrain/fg/a.jpg bg/r1.jpg\n\n"
                                    "train/fg/a.jpg bg/r3.jpg\n")
    (root / "val.txt").write_text("val/fg/v.jpg bg/r4.jpg val/trimap/v.png\n")
    return root


def test_composition_takes_each_listed_file_once(composition):
    pairs = fgr_pha_folders(composition, TRAIN)
    assert pairs.names == ["a", "b"] and pairs.load(0).fgr.shape == (4, 6, 3)
    assert backgrounds(composition, {"bgr": "bg", "list": "train.txt"}).names == ["r1.jpg", "r2.jpg", "r3.jpg"]
    found = backgrounds(composition, {"bgr": "bg", "list": "val.txt"})
    assert found.names == ["r4.jpg"] and found.load(0).shape == (4, 6, 3)


@pytest.mark.parametrize("text", ["a.jpg\n", "./train/fg/a.jpg x\n", "train\\fg\\a.png\r\n", "\ufefftrain/fg/a\n"])
def test_ways_to_write_a_line(composition, text):
    (composition / "train.txt").write_text(text, encoding="utf-8")
    assert fgr_pha_folders(composition, TRAIN).names == ["a"]


@pytest.mark.parametrize("text, words", [
    (b"train/fg/z.jpg\ntrain/fg/a.jpg\n", r"train\.txt names 1 .*not in train/fg \(line 1: train/fg/z\.jpg\)"),
    (b"\n\n", "no lines"), (b"\xff\xfe\x00", "UTF-8"), (None, r"train\.txt"),
    (b"train/fg/a.jpg\n", "line 1: expected at least 2 words")])
def test_wrong_lists(composition, text, words):
    (composition / "train.txt").unlink()
    if text is not None:
        (composition / "train.txt").write_bytes(text)
    with pytest.raises(UserError, match=words):
        fgr_pha_folders(composition, TRAIN)
        backgrounds(composition, {"bgr": "bg", "list": "train.txt"})


def test_listed_foreground_without_alpha(composition):
    (composition / "train" / "alpha" / "a.png").unlink()
    (composition / "train" / "alpha" / "c.png").unlink()  # not listed, so not missed
    with pytest.raises(UserError, match=r"1.*\(a\)"):
        fgr_pha_folders(composition, TRAIN)
    lone = []
    assert fgr_pha_folders(composition, TRAIN, lone).names == ["b"]
    assert lone == [str(composition / "train" / "fg" / "a.jpg")]


@pytest.mark.parametrize("of_list", ("NFC", "NFD"))
@pytest.mark.parametrize("of_files", ("NFC", "NFD"))
def test_accented_names_in_either_unicode_form(tmp_path, of_files, of_list):
    names = {"fgr": "fg é/à.jpg", "pha": "alpha/à.png", "bgr": "ünd/Grüße.jpg", "trimap": "tri é/à.png"}
    stored = {kind: unicodedata.normalize(of_files, name) for kind, name in names.items()}
    for kind, name in stored.items():
        channels = 0 if kind in ("pha", "trimap") else 3
        write(tmp_path / name, (20, 90, 200) if kind == "bgr" else 9, channels)  # coloured: no matte
    line = unicodedata.normalize(of_list, "|".join(names[kind] for kind in ("fgr", "bgr", "trimap")))
    (tmp_path / "list.txt").write_text(line, encoding="utf-8")
    folders = {kind: unicodedata.normalize(of_files, names[kind].split("/")[0]) for kind in ("fgr", "pha", "bgr")}
    folders["list"] = "list.txt"
    assert fgr_pha_folders(tmp_path, folders).names == ["à"]
    found = backgrounds(tmp_path, folders)
    assert found.names == [stored["bgr"].split("/")[1]] and found.load(0).shape == (4, 6, 3)
    listed = listed_pictures(tmp_path, folders)
    assert [listed[0].bgr, listed[0].trimap] == [str(tmp_path / stored[kind]) for kind in ("bgr", "trimap")]


def test_backgrounds_that_differ_in_the_suffix_alone_are_refused_as_foregrounds_are(composition):
    write(composition / "bg" / "r1.png")
    with pytest.raises(UserError):
        backgrounds(composition, {"bgr": "bg", "list": "train.txt"})


def test_listed_backgrounds_in_folders_below(composition):
    write(composition / "bg" / "in" / "deep.jpg")
    (composition / "train.txt").write_text("train/fg/a.jpg bg/in/deep.jpg\ntrain/fg/a.jpg r1.jpg\n")
    found = backgrounds(composition, {"bgr": "bg", "list": "train.txt"})
    assert found.names == ["in/deep.jpg", "r1.jpg"] and found.load(0).shape == (4, 6, 3)


def test_shipped_entries(composition, tmp_path):
    for part, name in (("train", "h_1"), ("testval", "h_2")):
        write(tmp_path / "BG-20k" / part / f"{name}.jpg")
    catalog = open_catalog(data_root=tmp_path)
    assert [len(catalog.pairs("Composition1k", split)) for split in ("train", "valid")] == [2, 1]
    assert [len(catalog.backgrounds("Composition1k_backgrounds", split)) for split in ("train", "valid")] == [3, 1]
    assert [catalog.backgrounds("BG20k", split).names for split in ("train", "valid")] == [["h_1.jpg"], ["h_2.jpg"]]
    for name in ("Composition1k", "Composition1k_backgrounds", "BG20k"):
        catalog.check_disjoint(name, "train", "valid")
