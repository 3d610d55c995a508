"""Conversion of weights files, and the weights that come with the project."""
import numpy as np
import paddle
import pytest

from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.weights import __main__ as command
from bgmatting.model.weights import places as starter
from bgmatting.model.weights import read_weights, save_weights, weights_path
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from tests.model.reference import reference_state
from tests.model.weights.handmade import modules, tensor, write_script, write_zip


def write_theirs(path, state):
    """``state`` as the authors' code would have saved it."""
    write_zip(path, *tensors(state))


def write_exported(path, state):
    """``state`` as the authors' export to TorchScript would have saved it."""
    table, storages = tensors({f"model.{name}": array for name, array in state.items()})
    tree = modules(table)
    tree.attributes.update(backbone_scale=0.25, refine_mode="sampling", refine_sample_pixels=80_000)
    write_script(path, tree, storages)


def tensors(state):
    keys = {name: str(number) for number, name in enumerate(state)}
    return ({name: tensor(keys[name], array) for name, array in state.items()},
            {keys[name]: array for name, array in state.items()})


@pytest.mark.parametrize("write", (write_theirs, write_exported))
@pytest.mark.parametrize("network, words", [
    (lambda: MattingBase("mobilenetv2"), "mobilenetv2, base network alone"),
    (lambda: MattingRefine("mobilenetv2", refine_kernel_size=1), "mobilenetv2, with refiner, kernel 1"),
])
def test_the_authors_files_become_ours(tmp_path, capsys, write, network, words):
    state = reference_state(network())
    source, target = tmp_path / "theirs.pth", tmp_path / "ours.safetensors"
    write(source, {**state, "backbone.features.0.1.num_batches_tracked": np.array(3)})
    command.main(["convert", str(source), str(target)])
    said = capsys.readouterr().out
    assert words in said and f"matched {len(state)}, missing 0, unexpected 0" in said
    arrays, metadata = read_weights(target)
    assert metadata["backbone"] == "mobilenetv2" and len(arrays) == len(state)
    name = "backbone.features.0.1."
    np.testing.assert_array_equal(arrays[name + "_mean"], state[name + "running_mean"])


def test_a_frozen_export_is_one_line(tmp_path, capsys):
    write_script(tmp_path / "frozen.pth", {"refine_mode": "sampling"}, {})
    with pytest.raises(SystemExit) as stop:
        run_main(command.main, ["convert", str(tmp_path / "frozen.pth"), str(tmp_path / "out.safetensors")])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and "torch.jit.freeze" in said and said.count("\n") == 1


def test_half_is_half_the_size(tmp_path):
    source = tmp_path / "theirs.pth"
    write_theirs(source, reference_state(MattingBase("mobilenetv2")))
    sizes = []
    for flags in ([], ["--half"]):
        target = tmp_path / f"ours{len(flags)}.safetensors"
        command.main(["convert", str(source), str(target), *flags])
        sizes.append(target.stat().st_size)
    assert 0.5 <= sizes[1] / sizes[0] < 0.51


@pytest.mark.parametrize("arguments, word", [
    (["convert", "absent.pth", "out.safetensors"], "absent.pth"),
    (["convert", "absent.pth", "out.pth"], "must end in .safetensors"),
])
def test_bad_arguments_are_one_line(capsys, arguments, word):
    with pytest.raises(SystemExit) as stop:
        run_main(command.main, arguments)
    said = capsys.readouterr().err
    assert stop.value.code == 2 and word in said and said.count("\n") == 1


def test_the_starter_weights_are_those_of_the_checksum():
    arrays, metadata = read_weights(weights_path("starter"))
    assert metadata["backbone"] == "mobilenetv2" and arrays["refiner.conv1.weight"].shape == (24, 42, 3, 3)
    assert starter.STARTER.stat().st_size < 11e6
    assert all(np.isfinite(value.astype(np.float32)).all() for value in arrays.values())


def test_damaged_or_missing_starter_weights_are_named(tmp_path, monkeypatch):
    copy = tmp_path / starter.STARTER.name
    copy.write_bytes(starter.STARTER.read_bytes()[:-1] + b"?")
    copy.with_suffix(".sha256").write_text(starter.STARTER.with_suffix(".sha256").read_text())
    monkeypatch.setattr(starter, "STARTER", copy)
    with pytest.raises(UserError, match="damaged"):
        weights_path(None)
    copy.unlink()
    with pytest.raises(UserError, match="not at"):
        weights_path("starter")
    assert weights_path("mine.pth").name == "mine.pth"


def test_average(tmp_path, capsys):
    paths = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    for seed, path in enumerate(paths):
        paddle.seed(seed)
        save_weights(MattingBase("mobilenetv2"), path, half=bool(seed))
    command.main(["average", *map(str, paths), str(tmp_path / "mean.safetensors")])
    (one, _), (two, _), (mean, _) = (read_weights(path) for path in (*paths, tmp_path / "mean.safetensors"))
    assert set(mean) == set(one) and str(tmp_path / "mean.safetensors") in capsys.readouterr().out
    for name, value in mean.items():
        assert value.dtype == np.float32 and np.allclose(value, (one[name] + two[name].astype(np.float64)) / 2, atol=1e-6)


def test_average_with_another_refiner(tmp_path):
    paths = [tmp_path / f"{seed}.safetensors" for seed in range(3)]
    for seed, path in enumerate(paths):
        paddle.seed(seed)
        save_weights(MattingRefine("mobilenetv2"), path)
    out = tmp_path / "mean.safetensors"
    command.main(["average", *map(str, paths[:2]), str(out), "--refiner", str(paths[2])])
    (one, _), (two, _), (three, _), (mean, _) = (read_weights(path) for path in (*paths, out))
    refiner = {name for name in mean if name.startswith("refiner.")}
    assert 0 < len(refiner) < len(mean)
    for name, value in mean.items():
        expected = three[name] if name in refiner else (one[name] + two[name].astype(np.float64)) / 2
        assert np.allclose(value, expected, atol=1e-6), name
    save_weights(MattingBase("mobilenetv2"), tmp_path / "base.safetensors")
    with pytest.raises(UserError, match="base.safetensors is of another network"):
        command.main(["average", *map(str, paths[:2]), str(out), "--refiner", str(tmp_path / "base.safetensors")])


def test_average_of_different_networks(tmp_path):
    save_weights(MattingBase("mobilenetv2"), tmp_path / "base.safetensors")
    with pytest.raises(UserError, match="starter is of another network than .*base.safetensors"):
        command.main(["average", str(tmp_path / "base.safetensors"), "starter", str(tmp_path / "mean.safetensors")])
    assert not (tmp_path / "mean.safetensors").exists()
