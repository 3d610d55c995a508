import numpy as np
import pytest

from bgmatting.evaluation.methods import Mattes, _name, open_mattes, open_networks, short_names
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.media import write_image
from bgmatting.model.inference.device_matting import DeviceMatting
from bgmatting.utils.errors import UserError

PHA = np.arange(48, dtype=np.uint8).reshape(6, 8)
ITEM = EvalItem("a/1", None, None, PHA, None, None)


def test_a_network_is_called_what_sets_it_apart():
    lists = ([None, "run/m.pdparams"], ["auto"], ["fp32", "bf16"])
    assert _name((None, "auto", "fp32"), *lists) == "starter fp32"
    assert _name(("run/m.pdparams", "auto", "bf16"), *lists) == "m bf16"
    assert _name((None, "auto", "fp32"), [None], ["auto"], ["fp32"]) == "network"
    assert _name(("run/knn.pth", "auto", "fp32"), ["run/knn.pth", None], ["auto"], ["fp32"]) == "network knn"


@pytest.mark.parametrize("paths, names", [
    (["run1/model.pth", "run2/model.pth"], ["run1/model", "run2/model"]),
    (["run/model.safetensors", "run/model.pdparams"], ["model.safetensors", "model.pdparams"]),
    (["run/model", "run/model.pt", "run/best.pt"], ["model", "model.pt", "best.pt"]),
    (["run/model.pt", "./run/model.pt"], ["model", "model"]),
])
def test_different_paths_have_different_names(paths, names):
    assert short_names(iter(paths)) == names


@pytest.mark.parametrize("below, colour", (("", False), ("pha", False), ("pha", True)))
def test_mattes_of_a_folder(tmp_path, below, colour):
    write_image(tmp_path / below / "a" / "1.png", PHA)
    if colour:
        write_image(tmp_path / "fgr" / "a" / "1.png", np.dstack([PHA] * 3))
    pha, fgr = Mattes(tmp_path, ["a/1"])(ITEM)
    assert np.array_equal(pha, PHA) and (fgr is not None) == colour


FAINT = np.where(PHA > 20, np.uint8(40), np.uint8(0))
MASK = (PHA > 20).astype(np.uint8)


@pytest.mark.parametrize("mattes, refused", [
    ([FAINT], False), ([FAINT, FAINT // 8], False), ([MASK, FAINT], False), ([MASK, PHA], False),
    ([np.zeros_like(PHA)], False), ([FAINT.astype(np.uint16)], False), ([MASK], True), ([np.zeros_like(PHA), MASK], True),
    ([MASK.astype(np.uint16), MASK], True), ([MASK] * 40, True), ([MASK] * 39 + [PHA] * 5, False)])
def test_faint_mattes_are_scored_and_masks_of_0_and_1_refused(tmp_path, mattes, refused):
    names = [f"{number:02d}" for number in range(len(mattes))]
    for name, pha in zip(names, mattes):
        write_image(tmp_path / f"{name}.png", pha)
    if refused:
        with pytest.raises(UserError):
            Mattes(tmp_path, names)
        return
    method = Mattes(tmp_path, names)
    for name, pha in zip(names, mattes):
        expected = pha if pha.dtype == np.uint8 else np.rint(pha / 257)
        assert np.array_equal(method(ITEM._replace(name=name))[0], expected)


def test_missing_extra_and_misfit_are_named(tmp_path):
    for name in ("1", "2", "3"):
        write_image(tmp_path / "a" / f"{name}.png", PHA[:5] if name == "1" else PHA)
    with pytest.raises(UserError, match=r"lacks the mattes of 2 of 3 images \(b, c\)"):
        Mattes(tmp_path, ["a/1", "b", "c"])
    with pytest.raises(UserError, match=r"1 mattes that belong to no image of the benchmark \(a/3\)"):
        Mattes(tmp_path, ["a/1", "a/2"])
    with pytest.raises(UserError, match="1.png.*8x5.*1.*8x6"):
        Mattes(tmp_path, ["a/1", "a/2"], part=True)(ITEM)
    with pytest.raises(UserError, match="does not exist"):
        Mattes(tmp_path / "none", ["a"])


def test_words_that_are_taken(tmp_path):
    for name in ("keying", "other"):
        write_image(tmp_path / name / "1.png", PHA)
    assert list(open_mattes([tmp_path / "keying", tmp_path / "other"], ["1"], ("keying",))) == ["pred keying", "other"]


@pytest.mark.parametrize("rounded, came, bound", [(True, "uint8", 1), (False, "float16", 1 / 2000)])
def test_on_a_device_only_what_is_scored_comes_back(monkeypatch, rounded, came, bound):
    seen, real = [], DeviceMatting.compute

    def compute(*args):
        made = real(*args)
        seen.append({name: str(value.dtype).split(".")[-1] for name, value in made.items()})
        return made

    monkeypatch.setattr(DeviceMatting, "compute", compute)
    rng, mattes = np.random.default_rng(0), []
    item = ITEM._replace(src=rng.integers(0, 256, (32, 48, 3), dtype=np.uint8), bgr=np.zeros((32, 48, 3), np.uint8))
    for there in (False, True):
        network = open_networks([None], ["paddle"], ["fp32"], rounded=rounded, device="cpu", on_device=there)["network"]
        mattes.append(network(item))
    assert seen == [{"pha": came, "fgr": came}]
    (pha, fgr), (other, colour) = mattes
    assert pha.dtype == other.dtype == (np.uint8 if rounded else np.float32) and fgr.dtype == colour.dtype == np.uint8
    assert np.abs(pha.astype(float) - other).max() <= bound and np.abs(fgr.astype(int) - colour).max() <= 1
