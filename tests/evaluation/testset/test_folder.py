import json

import numpy as np
import pytest

from bgmatting.evaluation.methods import Mattes
from bgmatting.evaluation.metrics import sad
from bgmatting.evaluation.protocols import PROTOCOLS
from bgmatting.evaluation.selection import from_folder
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.folder import FolderSet
from bgmatting.evaluation.testset.manifest import export_set
from bgmatting.evaluation.testset.trimap import make_trimap, square_trimap
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError
from tests.closed_folders import close_folder

SAMPLE = PROTOCOLS["sample"]


def items(names=("a", "b"), size=(34, 37)):
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        src, bgr, fgr = (rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(3))
        pha = (np.arange(size[1], dtype=np.uint8) * 7).repeat(size[0]).reshape(size[1], size[0]).T.copy()
        yield EvalItem(name, src, bgr, pha, fgr, make_trimap(pha))


def same(a, b):
    return a.name == b.name and all((x is None and y is None) or np.array_equal(x, y) for x, y in zip(a[1:6], b[1:6]))


def write(root, item, one_folder_each=False, kinds=("src", "bgr", "pha", "fgr")):
    for kind in kinds:
        path = root / item.name / f"{kind}.png" if one_folder_each else root / kind / f"{item.name}.png"
        write_image(path, getattr(item, kind))


def test_what_is_exported_is_read_back(tmp_path):
    names = ("b", "clip/1", "a")   # the manifest keeps the order
    path = export_set(items(names), tmp_path / "bench", SAMPLE, {"dataset": "made", "seed": 3})
    content = json.loads(path.read_text())
    assert content["names"] == list(names) and content["dataset"] == "made" and len(content["files"]) == 15
    assert content["protocol"]["name"] == "sample" and len(content["files"]["src/clip/1.png"]) == 64
    found = FolderSet(tmp_path / "bench")
    assert found.names == list(names) and all(same(a, b) for a, b in zip(found, items(names)))


def test_faint_noise_of_a_jpeg_is_exported_and_read_back(tmp_path):
    item = next(items(("a",)))
    item = item._replace(pha=np.where(item.pha > 99, np.uint8(3), np.uint8(0)))  # as in an empty frame of a clip
    item = item._replace(trimap=make_trimap(item.pha))
    export_set([item], tmp_path / "bench", SAMPLE, {})
    assert same(FolderSet(tmp_path / "bench")[0], item)
    (tmp_path / "bench" / "manifest.json").unlink()
    with pytest.raises(UserError):
        FolderSet(tmp_path / "bench")[0]


def test_a_changed_or_lost_file_is_named(tmp_path):
    export_set(items(), tmp_path / "bench", SAMPLE, {})
    file = tmp_path / "bench" / "bgr" / "b.png"
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"?")
    with pytest.raises(UserError, match="b.png is not the file that was exported"):
        FolderSet(tmp_path / "bench")
    file.unlink()
    with pytest.raises(UserError, match="b.png is gone"):
        FolderSet(tmp_path / "bench")
    (tmp_path / "bench" / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="is no manifest"):
        FolderSet(tmp_path / "bench")


def test_an_export_that_fails_leaves_nothing(tmp_path):
    def broken():
        yield from items(("a",))
        raise UserError("damaged image")

    with pytest.raises(UserError, match="damaged image"):
        export_set(broken(), tmp_path / "bench", SAMPLE, {})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "mine.txt").write_text("")
    with pytest.raises(UserError, match="is not empty"):
        export_set(items(), tmp_path / "bench", SAMPLE, {})


@pytest.mark.parametrize("one_folder_each", (False, True))
def test_both_forms(tmp_path, one_folder_each):
    for item in items(("clip/1", "x")):
        write(tmp_path, item, one_folder_each)
    found = FolderSet(tmp_path)
    assert found.names == ["clip/1", "x"] and all(same(a, b) for a, b in zip(found, items(("clip/1", "x"))))
    assert len(FolderSet(tmp_path, limit=1)) == 1 and FolderSet(tmp_path, "whole")[0].trimap is None


def test_own_trimaps_are_used_unless_they_are_of_another_rule(tmp_path):
    own = [item._replace(trimap=np.full_like(item.pha, 128)) for item in items()]
    for item in own:
        write(tmp_path / "plain", item, kinds=("src", "bgr", "pha", "trimap"))
    found = FolderSet(tmp_path / "plain")[0]
    assert (found.trimap == 128).all() and found.fgr is None
    export_set(own, tmp_path / "bench", SAMPLE, {})
    assert (FolderSet(tmp_path / "bench", "paper")[0].trimap == 128).all()
    assert np.array_equal(FolderSet(tmp_path / "bench", "square")[0].trimap, square_trimap(own[0].pha))


@pytest.mark.parametrize("soft", ([127] * 9, [1, 40, 127, 128, 129, 200, 253, 254, 2]))
def test_what_is_neither_background_nor_foreground_is_unknown(tmp_path, soft):
    """A trimap by another program says 127, one that was scaled has shades: predict.py takes them all as unknown."""
    item = next(items())
    trimap = np.zeros_like(item.pha)
    trimap[:, 20:] = 255
    trimap[:, 14:23] = soft
    write(tmp_path, item._replace(trimap=trimap), kinds=("src", "bgr", "pha", "trimap"))
    found = FolderSet(tmp_path)[0]
    wanted = trimap.copy()
    wanted[:, 14:23] = 128
    np.testing.assert_array_equal(found.trimap, wanted)
    np.testing.assert_array_equal(found.given, wanted)
    assert sad(item.pha + 9, found.pha, found.trimap) == pytest.approx(9 * 9 * 34 / 255 / 1000)


def test_frames_of_a_folder_follow_each_other_by_number(tmp_path):
    for item in items(("c/10", "c/9", "c/1")):
        write(tmp_path, item)
    assert FolderSet(tmp_path).names == ["c/1", "c/9", "c/10"]


def test_the_protocol_of_a_folder(tmp_path):
    export_set(items(("c/0", "c/1")), tmp_path / "bench", SAMPLE.changed(disturb=False, size=(34, 37)), {"dataset": "made"})
    benchmark = from_folder(tmp_path / "bench")
    assert benchmark.protocol.name == "sample" and benchmark.facts["dataset"] == "made"
    assert benchmark.protocol.differences() == {"size": [34, 37], "disturb": False}
    rvm = from_folder(tmp_path / "bench", "rvm").protocol
    assert rvm.sequences and "dtssd" in rvm.columns and rvm.trimap == "whole"
    for item in items():
        write(tmp_path / "plain", item)
    assert from_folder(tmp_path / "plain").protocol.name == "paper"
    assert not from_folder(tmp_path / "plain", "rvm").protocol.sequences
    with pytest.raises(UserError, match="holds no sequences"):
        from_folder(tmp_path / "plain", "rvm", sequences=True)


@pytest.mark.parametrize("kinds, one_folder_each, change, words", (
    ((), False, None, "no such folder"), ((), False, lambda folder: folder.mkdir(), "holds no images"),
    ((), False, lambda folder: write_image(folder / "photo.png", next(items()).src), "is no benchmark"),
    (("src", "bgr"), False, None, "no folder pha"),
    (("src", "pha"), True, None, r"no bgr beside the src of 1 images \(a\)"),
    (("src", "bgr", "pha"), False, lambda folder: write_image(folder / "bgr" / "a.png", next(items()).bgr[:9]),
     "a.png.*37x9.*a.png.*37x34"),
    (("src", "bgr", "pha"), False, lambda folder: (folder / "pha" / "a.png").rename(folder / "pha" / "z.png"),
     "without a partner")))
def test_what_cannot_be_used_is_named(tmp_path, kinds, one_folder_each, change, words):
    folder = tmp_path / "set"
    if kinds:
        write(folder, next(items()), one_folder_each, kinds)
    if change:
        change(folder)
    with pytest.raises(UserError, match=words):
        FolderSet(folder)[0]


def test_a_score_of_a_part_is_no_score(tmp_path, monkeypatch):
    """A folder that may not be read ends an evaluation with its name, of the truth as of the mattes."""
    for kind in ("src", "bgr", "pha"):
        for name in ("a", "clip/b"):
            write_image(tmp_path / "set" / kind / f"{name}.png", np.full((8, 9, 3)[:2 if kind == "pha" else 3], 9, np.uint8))
            write_image(tmp_path / "pred" / f"{name}.png", np.zeros((8, 9), np.uint8))
    close_folder(monkeypatch, tmp_path / "set" / "bgr" / "clip", tmp_path / "pred" / "clip")
    with pytest.raises(UserError, match=str(tmp_path / 'set' / 'bgr' / 'clip')):
        FolderSet(tmp_path / "set")
    with pytest.raises(UserError, match=str(tmp_path / 'pred' / 'clip')):
        Mattes(tmp_path / "pred", ["a", "clip/b"])
