import os
import subprocess
import sys

import numpy as np
import pytest

from bgmatting.evaluation.gallery import EXTREMES, Gallery
from bgmatting.evaluation.methods import Mattes
from bgmatting.evaluation.pipeline import evaluate_items, measure
from bgmatting.evaluation.protocols import PROTOCOLS
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT, write_bytes
from tests.evaluation.items import item

PAPER = PROTOCOLS["paper"]
RVM = PROTOCOLS["rvm"].changed(sequences=True)

WORDS = ("keying", "knn")
ITEMS = [item(number) for number in range(5)]


def bright(one):
    return np.clip(one.src.mean(axis=2) * 1.1, 0, 255).astype(np.uint8), one.src


def test_pictures_of_long_names_have_room(tmp_path):
    for name in ("n" * 255, "clip/" + "\u6587" * 84, "short"):
        gallery = Gallery(1)
        gallery.add(name, 1.0, {"src": (".jpg", b"x"), "pred": {"network": (".png", b"y")}})
        files, kept = gallery.files("pictures")
        for path in files:
            write_bytes(tmp_path / path, b"x")
        assert {*kept[name]["pred"].values(), kept[name]["src"]} == set(files) and len(files) == 2
    assert "pictures/short_src.jpg" in files


def test_the_same_for_any_number_of_workers():
    serial = list(measure(ITEMS, PAPER, {"bright": bright}, WORDS, 0))
    assert [one.rows["bright"] for one in serial] == evaluate_items(bright, ITEMS)[0]
    assert [one.name for one in serial] == [f"item{number}" for number in range(5)]
    assert list(serial[0].rows) == ["bright", *WORDS] == list(serial[0].pictures["pred"])
    assert list(measure(ITEMS, PAPER, {"bright": bright}, WORDS, 2)) == serial
    code = "import sys, bgmatting.evaluation.pipeline; assert not {'paddle', 'torch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0  # what a worker imports is light


def test_clips_are_measured_over_time():
    names = ("a/0", "a/1", "b/0", "b/1", "b/2")
    frames = [item(number, name)._replace(trimap=None) for number, name in enumerate(names)]
    scored = list(measure(frames, RVM, {"truth": lambda one: (one.pha, one.fgr), "bright": bright}, ("keying",), 0))
    for one in scored:
        first = one.name.endswith("0")
        assert one.rows["truth"] == {"name": one.name, "mad": 0, "mse": 0, "grad": 0, "conn": 0, "fg_mse": 0, "dtssd": 0,
                                     "messddt": None if first else 0}
        for word in ("bright", "keying"):
            assert (one.rows[word]["dtssd"] == 0) == first and (one.rows[word]["messddt"] is None) == first
    assert "trimap" not in scored[0].pictures


class Bomb:
    """Ends the process that unpickles it, as the system does when memory is short."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_worker_that_dies_is_named():
    with pytest.raises(UserError, match="--workers"):
        list(measure([ITEMS[0]._replace(fgr=Bomb())], PAPER, {"bright": bright}, (), 1))


def test_an_error_of_a_method_reaches_the_caller():
    def broken(one):
        raise UserError(f"no matte of {one.name}")

    with pytest.raises(UserError, match="no matte of item0"):
        list(measure(ITEMS, PAPER, {"broken": broken}, (), 1))


def test_a_small_set_keeps_every_picture(tmp_path):
    gallery = Gallery(len(ITEMS))
    for one in measure(ITEMS, PAPER, {"bright": bright, "my way/2": bright}, (), 0):
        gallery.add(one.name, 0.0, one.pictures)
    files, names = gallery.files("pictures")
    assert len(files) == 5 * 6 and set(names) == {one.name for one in ITEMS}
    assert names["item1"] == {
        "src": "pictures/item1_src.jpg", "bgr": "pictures/item1_bgr.jpg", "truth": "pictures/item1_truth.png",
        "trimap": "pictures/item1_trimap.png", "pred": {
            "bright": "pictures/item1_pred_bright.png", "my way/2": "pictures/item1_pred_my-way-2.png"}}


def test_a_large_set_keeps_the_best_and_the_worst():
    gallery = Gallery(1000)
    for number in np.random.default_rng(0).permutation(1000):
        gallery.add(f"{number:03d}", float(number), {"src": (".png", b"")})
    _, names = gallery.files("pictures")
    gallery.add("unknown", None, {"src": (".png", b"")})
    assert "unknown" not in gallery.files("pictures")[1]
    kept = [*range(EXTREMES), *range(1000 - EXTREMES, 1000)]
    assert sorted(names) == [f"{number:03d}" for number in kept]


def test_mattes_are_kept_at_full_size_and_score_the_same(tmp_path):
    large = [item(number, f"clip/{number}", (360, 440)) for number in range(2)]
    scored = list(measure(large, PAPER, {"a b": bright, "a-b": lambda one: (one.pha, None)}, ("keying",), 0, tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-b", "a-b-1", "keying"]
    kept = {method: Mattes(tmp_path / word, [one.name for one in large])
            for method, word in (("a b", "a-b"), ("a-b", "a-b-1"), ("keying", "keying"))}
    for one, again in zip(scored, measure(large, PAPER, kept, (), 0)):
        for method in kept:
            assert one.rows[method]["sad"] == again.rows[method]["sad"]
    assert np.array_equal(kept["a-b"](large[0])[0], large[0].pha)
