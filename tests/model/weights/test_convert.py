"""Conversion of weights files, and the weights that come with the project."""
from pathlib import Path

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from bgmatting.model.inference.engines.graphs import network_of
from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.methods.recognition import read_network
from bgmatting.model.weights import __main__ as command
from bgmatting.model.weights import places as starter
from bgmatting.model.weights import read_weights, save_weights, weights_path
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from tests.model.paddleseg import seeded_array, stored_names
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


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three networks, of which the second is stored as float16, and a base network."""
    folder = tmp_path_factory.mktemp("weights")
    for seed, network in enumerate((MattingRefine, MattingRefine, MattingRefine, MattingBase)):
        paddle.seed(seed)
        save_weights(network("mobilenetv2"), folder / f"{seed}.safetensors", half=seed == 1)
    return [str(folder / f"{seed}.safetensors") for seed in range(4)]


@pytest.mark.parametrize("refiner", (False, True))
def test_average(files, tmp_path, refiner):
    out = tmp_path / "mean.safetensors"
    command.main(["average", *files[:2], str(out), *(["--refiner", files[2]] if refiner else [])])
    one, two, three, mean = (read_weights(path)[0] for path in (*files[:3], out))
    assert set(mean) == set(one) and any(name.startswith("refiner.") for name in mean)
    for name, value in mean.items():
        expected = (one[name] + two[name].astype(np.float64)) / 2
        assert value.dtype == np.float32
        assert np.allclose(value, three[name] if refiner and name.startswith("refiner.") else expected, atol=1e-6), name


def test_a_file_that_is_read_is_never_replaced(files, tmp_path, capsys):
    one, two, three = (tmp_path / f"{number}.safetensors" for number in range(3))
    for path, file in zip((one, two, three), files):
        path.write_bytes(Path(file).read_bytes())
    link, run = tmp_path / "link.safetensors", tmp_path / "run"
    link.symlink_to(one)
    (run / "best_model").mkdir(parents=True)
    one.rename(run / "best_model" / "model.safetensors")
    one.symlink_to(run / "best_model" / "model.safetensors")
    before = {path: path.read_bytes() for path in (one, two, three)}
    for words in (["average", one, two], ["average", one, tmp_path / "new.safetensors"], ["average", one, two, one],
                  ["average", one, two, link], ["average", link, two, one], ["average", one, three, "--refiner", three],
                  ["average", one, two, three, "--refiner", three], ["average", run, two, one],
                  ["convert", one, one, "--half"], ["convert", one, link], ["convert", link, one], ["convert", run, one]):
        with pytest.raises(SystemExit) as stop:
            run_main(command.main, [str(word) for word in words])
        assert stop.value.code == 2 and capsys.readouterr().err.count("\n") == 1, words
        assert one.is_symlink() and link.is_symlink() and {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "new.safetensors").exists()
    command.main(["average", str(one), str(tmp_path / "new.safetensors"), "--refiner", str(three)])  # a base and a refiner
    assert len(read_weights(tmp_path / "new.safetensors")[0]) == len(read_weights(one)[0])
    command.main(["convert", str(one), str(tmp_path / "new.safetensors")])  # an older result may be replaced
    assert {path: path.read_bytes() for path in before} == before


def test_half_is_half_the_size(files, tmp_path):
    command.main(["convert", files[0], str(tmp_path / "half.safetensors"), "--half"])
    assert 0.5 <= (tmp_path / "half.safetensors").stat().st_size / Path(files[0]).stat().st_size < 0.51


@pytest.mark.slow
@pytest.mark.parametrize("names", ("modnet_mobilenetv2", "modnet_authors"))
def test_files_of_other_methods_become_half_the_size(tmp_path, names):
    """Of PaddleSeg or of MODNet's authors: the mattes of what is written are those of what was read."""
    arrays = {name: seeded_array(name, shape) for name, shape in stored_names(names).items()}
    source, target = tmp_path / "theirs.safetensors", tmp_path / "half.safetensors"
    save_file(arrays, source)
    command.main(["convert", str(source), str(target), "--half"])
    before, after = read_network(source), read_network(target)
    assert {array.dtype for array in after.arrays.values()} == {np.dtype(np.float16)}
    assert target.stat().st_size < 0.55 * source.stat().st_size
    assert after.method.name == after.metadata["method"] == "modnet" and after.described == before.described
    photo = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    one, other = (file.method.matted(network_of(file.described, file.arrays), photo) for file in (before, after))
    assert np.abs(one - other).max() < 0.02 and np.ptp(one) > 0


@pytest.mark.parametrize("header", [{"backbone_scale": "2"}, {"refine_sample_pixels": "1e5"}, {"refine_threshold": "nan"}])
def test_a_header_that_nothing_reads_is_not_carried_on(files, tmp_path, header):
    save_file(read_weights(files[0])[0], tmp_path / "odd.safetensors", header)
    with pytest.raises(UserError):
        command.main(["convert", str(tmp_path / "odd.safetensors"), str(tmp_path / "out.safetensors")])
    assert not (tmp_path / "out.safetensors").exists()


def test_what_cannot_be_done_is_one_line_and_writes_nothing(files, tmp_path, capsys):
    write_script(tmp_path / "frozen.pth", {"refine_mode": "sampling"}, {})
    out = str(tmp_path / "out.safetensors")
    for words, said in ((["convert", str(tmp_path / "frozen.pth"), out], "torch.jit.freeze"),
                        (["convert", "absent.pth", out], "absent.pth"), (["convert", files[0], "out.pth"], ".safetensors"),
                        (["average", files[3], "starter", out], "3.safetensors"),
                        (["average", *files[:2], out, "--refiner", files[3]], "3.safetensors")):
        with pytest.raises(SystemExit) as stop:
            run_main(command.main, words)
        error = capsys.readouterr().err
        assert stop.value.code == 2 and said in error and error.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()
