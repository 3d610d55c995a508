"""Exported files give what the network gives, in every format and mode, for any size; and export.py says where not."""
import contextlib
import hashlib
import importlib.util
import io
import shutil
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

import bgmatting.model.export.graph_files as export_module
import bgmatting.model.inference.engines.onnx_export as onnx_export
from bgmatting.commands import export
from bgmatting.model import MattingBase, MattingRefine
from bgmatting.model.refinement import Refinement
from bgmatting.model.weights import from_torch_names, read_weights, save_weights
from bgmatting.model.weights.metadata import refine_facts
from bgmatting.utils.errors import UserError
from tests.model.reference import reference_network

NEEDS = {"onnx": ("onnx", "paddle2onnx", "onnxruntime"), "openvino": ("onnx", "paddle2onnx", "openvino"), "paddle": (),
         "torchscript": ("torch",), "torch": ("torch",)}
OUTPUTS = ("pha", "fgr", "err", "ref")
PIXELS = "1600"
UNSET = dict.fromkeys(("backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold"))


def need(kind):
    for package in NEEDS[kind]:
        if not importlib.util.find_spec(package):
            pytest.skip(f"{package} is not installed")


def noise(batch, height, width, seed=0):
    return [np.random.default_rng(seed + n).random((batch, 3, height, width), np.float32) for n in range(2)]


def by_network(network, src, bgr, mode="sampling", sample_pixels=int(PIXELS), threshold=0.42):
    with paddle.no_grad():
        out = network(paddle.to_tensor(src), paddle.to_tensor(bgr),
                      refinement=Refinement(mode, sample_pixels, threshold))
    return dict(zip(OUTPUTS, (x.numpy() for x in (out.pha, out.fgr, out.err_sm, out.ref_sm))))


def by_file(path, kind, src, bgr):
    return export_module.RUNNERS[kind](path, {"src": src, "bgr": bgr})


def assert_alike(found, expected, bound):
    """Patches may be chosen otherwise where errors nearly tie, and are left out then."""
    same = found["ref"] == expected["ref"]
    assert same.mean() > 0.99
    same = same.repeat(4, 2).repeat(4, 3)
    for name in ("pha", "fgr"):
        assert found[name].shape == expected[name].shape and found[name].dtype == np.float32
        assert (np.abs(found[name] - expected[name]) * same).max() < bound, name
    assert np.abs(found["err"] - expected["err"]).max() < bound


@pytest.fixture(scope="module")
def network():
    return reference_network(MattingRefine, "mobilenetv2")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Weights of the base alone."""
    path = tmp_path_factory.mktemp("weights") / "base.safetensors"
    save_weights(reference_network(MattingBase, "mobilenetv2"), path)
    return str(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """--src and --bgr with photos whose sides are no multiples of 4."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for name in ("src", "bgr"):
        cv2.imwrite(str(folder / f"{name}.png"), rng.integers(0, 256, (66, 99, 3), dtype=np.uint8))
    return ["--src", str(folder / "src.png"), "--bgr", str(folder / "bgr.png")]


@pytest.fixture(scope="module")
def jit_save(tmp_path_factory):
    """What every format begins with, and takes longest: done once for the same settings."""
    saved, real = {}, onnx_export._jit_save

    def save(layer, specs, path):
        key = layer.network.refiner.refinement
        if key not in saved:
            saved[key] = tmp_path_factory.mktemp("graph")
            real(layer, specs, saved[key] / "graph")
        for file in saved[key].iterdir():
            shutil.copy(file, f"{path}{file.suffix}")

    return save


@pytest.fixture(scope="module")
def made(weights, pair, jit_save, tmp_path_factory):
    """made(kind, mode, *flags) -> what export.main prints, and the path of what it writes; once for each."""
    done = {}

    def make(*key):
        kind, mode, *flags = key
        need(kind)
        if key not in done:
            output, said = tmp_path_factory.mktemp(kind) / "new" / "v1.2", io.StringIO()
            with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
                patch.setattr(onnx_export, "_jit_save", jit_save)
                export.main(["--weights", str(weights), "--format", kind, "--refine-mode", mode, "--sample-pixels", PIXELS,
                             "--refine-threshold", "0.42", "--output", str(output), *pair, *flags])
            done[key] = said.getvalue(), graph_in(output.parent)
        return done[key]

    return make


def differences_in(said):
    """{output: largest difference} as export.main prints them."""
    named = (part.split() for part in said.splitlines()[1].split(": ")[1].split(", "))
    return {name: float(value) for name, value in named}


def graph_in(folder):
    return next(path for path in folder.iterdir() if path.suffix in (".onnx", ".xml", ".json", ".pdmodel", ".pt", ".pth"))


def facts_beside(path):
    return dict(line.split(": ") for line in path.with_name(f"{path.name}.txt").read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("kind, mode", [("onnx", "sampling"), ("onnx", "thresholding"), ("onnx", "full"),
                                        ("openvino", "thresholding"), ("paddle", "sampling"), ("paddle", "full"),
                                        ("torchscript", "thresholding"), ("torch", "sampling")])
def test_every_format_and_mode(made, network, kind, mode):
    said, path = made(kind, mode)
    size = sum(file.stat().st_size for file in path.parent.iterdir()
               if file.suffix not in (".txt", ".info")) / 1e6  # Paddle before 3 leaves a .pdiparams.info that none needs
    assert said.count("\n") == 2 and said.startswith(f"wrote {path}  {size:.1f} MB") and size > 10
    differences = differences_in(said)
    assert list(differences) == list(OUTPUTS) and max(differences.values()) < 1e-3
    suffixes = {file.name[len("v1.2"):] for file in path.parent.iterdir()}
    assert suffixes >= {"onnx": {".onnx"}, "openvino": {".xml", ".bin"}, "paddle": {".pdiparams", f"{path.suffix}.txt"},
                        "torchscript": {".pt"}, "torch": {".pth", ".pth.txt"}}[kind]
    assert (kind == "onnx") == (".onnx" in suffixes)
    for size in ((2, 36, 52), (1, 100, 148), (3, 8, 12)) if kind != "torch" else ():
        given = noise(*size)
        found = by_file(path, kind, *given)
        assert found["err"].shape == (size[0], 1, size[1] // 4, size[2] // 4)
        assert_alike(found, by_network(network, *given, mode), 1e-4)
        assert size[1] == 8 or {"full": found["ref"].all(), "thresholding": 0.2 < found["ref"].mean() < 0.8,
                                "sampling": (found["ref"].sum((1, 2, 3)) == 100).all()}[mode]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("onnx", "openvino", "paddle"))
def test_nothing_above_the_threshold(made, network, kind):
    path, given = made(kind, "thresholding", "--threshold", "1")[1], noise(2, 48, 64)
    found = by_file(path, kind, *given)
    assert not found["ref"].any()
    assert_alike(found, by_network(network, *given, "thresholding", threshold=1), 1e-4)


@pytest.mark.slow
def test_weights_of_the_base_alone(pair, base, tmp_path, capfd):
    export.main(["--weights", base, "--refine-mode", "full", "--backbone-scale", "0.5", "--format", "paddle",
                 "--output", str(tmp_path / "m"), *pair])
    assert capfd.readouterr().out.count("\n") == 2  # and nothing of what the converters print
    given = noise(1, 48, 64)
    found = by_file(graph_in(tmp_path), "paddle", *given)
    assert found["err"].shape == (1, 1, 24, 32) and not found["ref"].any()
    network = reference_network(MattingRefine, "mobilenetv2", 0.5)
    assert_alike(found, by_network(network, *given, sample_pixels=0), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("onnx", "openvino"))
def test_half(made, kind):
    exact, (said, half) = made("onnx", "sampling")[1], made(kind, "sampling", "--half")
    assert sum(file.stat().st_size for file in half.parent.iterdir()) < 0.6 * exact.stat().st_size
    assert 1e-6 < differences_in(said)["pha"] < 2e-2
    if kind == "onnx":
        import onnx
        onnx.checker.check_model(str(half), full_check=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", export.FORMATS)
def test_the_file_says_what_it_was_made_from(made, weights, kind):
    path = made(kind, "thresholding" if kind in ("openvino", "torchscript") else "sampling")[1]
    if kind == "onnx":
        import onnx
        facts = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    elif kind == "openvino":
        import openvino
        facts = openvino.Core().read_model(str(path)).get_rt_info(["matting"]).value
        facts = {key: getattr(value, "value", value) for key, value in facts.items()}
    elif kind == "torchscript":
        import torch
        inside = {"facts.txt": ""}
        torch.jit.load(str(path), _extra_files=inside)
        facts = dict(line.split(": ") for line in inside["facts.txt"].decode().splitlines())
    else:
        facts = facts_beside(path)
    expected = {"weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "backbone": "mobilenetv2",
                "method": "background", "refine_kernel_size": "3", "backbone_scale": "0.25", "refine_threshold": "0.42",
                "refine_sample_pixels": PIXELS, "precision": "float32"}
    assert {key: str(facts[key]) for key in expected} == expected
    assert facts["made_with"].startswith("torch " if "torch" in kind else f"paddlepaddle {paddle.__version__}")


@pytest.mark.slow
def test_a_file_is_made_as_the_header_says(pair, jit_save, monkeypatch, tmp_path, capsys):
    network = reference_network(MattingRefine, "mobilenetv2", 0.125, "thresholding", 1600, 0.42)
    save_weights(network, tmp_path / "w.safetensors", refine_facts(network))
    need("torch")
    export.main(["--weights", str(tmp_path / "w.safetensors"), "--format", "torch", "--output", str(tmp_path / "m"),
                 "--threshold", "0.4", *pair])
    facts = facts_beside(tmp_path / "m.pth")
    keys = ("backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold")
    assert [facts[key] for key in keys] == ["0.125", "thresholding", "1600", "0.4"]
    said = capsys.readouterr().out.splitlines()[0].split("; ")[1:]
    assert [line.split()[0] for line in said] == list(keys[:3])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_sets_what_torchscript_does(made, network, monkeypatch):
    """As the authors' programs do, and with a batch of another size each time."""
    path = made("torchscript", "thresholding")[1]
    import torch
    script = torch.jit.load(str(path))
    for scale, mode, pixels, *size in ((0.5, "thresholding", 80_000, 1, 64, 96), (0.25, "full", 80_000, 2, 36, 52),
                                       (0.3, "sampling", 800, 1, 100, 148), (0.5, "sampling", 10 ** 6, 2, 8, 12)):
        given = noise(*size)
        script.backbone_scale, script.refine_mode, script.refine_sample_pixels = scale, mode, pixels
        pha, fgr, pha_sm, fgr_sm, err_sm, ref_sm = script(*map(torch.from_numpy, given))
        assert pha_sm.shape[2:] == fgr_sm.shape[2:] == err_sm.shape[2:] == tuple(int(x * scale) for x in pha.shape[2:])
        monkeypatch.setattr(network, "backbone_scale", scale)
        assert_alike(dict(zip(OUTPUTS, (x.numpy() for x in (pha, fgr, err_sm, ref_sm)))),
                     by_network(network, *given, mode, pixels), 1e-5)
    script.refine_mode = "fulll"
    with pytest.raises(torch.jit.Error):
        script(*map(torch.from_numpy, noise(1, 8, 12)))


@pytest.mark.parametrize("kind, mode", [("torchscript", "thresholding"), ("torch", "sampling")])
def test_weights_come_back_from_files_for_pytorch(made, weights, kind, mode):
    back, kept = from_torch_names(read_weights(made(kind, mode)[1])[0]), read_weights(weights)[0]
    assert set(back) == set(kept) and all(np.array_equal(back[name], kept[name]) for name in kept)


@pytest.mark.parametrize("kind, flags, allowed", [("torchscript", ("--half",), 2e-2), ("torch", (), 1e-5)])
def test_base_alone_and_half_for_pytorch(pair, base, tmp_path, capsys, kind, flags, allowed):
    need(kind)
    export.main(["--weights", base, "--output", str(tmp_path / "out" / "m"), "--format", kind, *pair, *flags])
    differences = differences_in(capsys.readouterr().out)
    assert differences["ref"] == 0 and differences["pha"] < allowed
    written = graph_in(tmp_path / "out")
    with pytest.raises(UserError, match="itself"):
        export.main(["--weights", str(written), "--output", str(written)])
    arrays = read_weights(written)[0]
    assert not any(name.startswith("refiner.") for name in arrays)
    assert {value.dtype for value in arrays.values() if value.dtype.kind == "f"} == {np.dtype("f2" if flags else "f4")}


@pytest.mark.parametrize("given, said", [
    (["--format", "onxx"], "'onnx'"), (["--format", "paddle", "--half"], "--half"), (["--refine-mode", "ful"], "'full'"),
    (["--sample-pixels", "-1"], "-1"), (["--backbone-scale", "1.25"], "1.25"), (["--weights", "nowhere.pth"], "nowhere")])
def test_wrong_arguments(weights, tmp_path, given, said):
    with pytest.raises(UserError, match=said) as error:
        export.main(["--weights", str(weights), "--output", str(tmp_path / "m"), *given])
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("missing", ("onnx", "paddle2onnx", "openvino"))
def test_a_missing_package_is_named(made, weights, pair, tmp_path, monkeypatch, missing):
    need("openvino")
    source = made("onnx", "sampling")[1]
    if missing == "openvino":
        monkeypatch.setattr(export_module, "save_graph", lambda _, specs, path, kind, names: shutil.copy(
            source, f"{path}.onnx"))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match=f"the package {missing} is not installed.*requirements-fast.txt"):
        export.main(["--weights", str(weights), "--format", "openvino", "--output", str(tmp_path / "m"), *pair])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_openvino_leaves_an_onnx_file_alone(weights, tmp_path, monkeypatch):
    need("openvino")
    import onnx

    def small_graph(layer, specs, path, kind, names):
        ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in ("src", "pha")]
        node = onnx.helper.make_node("Identity", ["src"], ["pha"])
        graph = onnx.helper.make_graph([node], "graph", ends[:1], ends[1:])
        opsets = [onnx.helper.make_opsetid("", 17)]
        onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), f"{path}.onnx")

    monkeypatch.setattr(export_module, "save_graph", small_graph)
    (tmp_path / "m.onnx").write_bytes(b"made before")
    _, path, _ = export_module.write_network(weights, tmp_path / "m", "openvino", False, UNSET)
    assert path == tmp_path / "m.xml" and set(contents(tmp_path)) == {"m.bin", "m.onnx", "m.xml"}
    assert (tmp_path / "m.onnx").read_bytes() == b"made before"


@pytest.mark.parametrize("kind", ("onnx", "openvino", "paddle"))
def test_an_interrupted_export_leaves_what_was_there(weights, tmp_path, monkeypatch, kind):
    suffixes = (".onnx", ".xml", ".bin", ".json", ".pdmodel", ".pdiparams")
    for suffix in suffixes:
        (tmp_path / f"m{suffix}").write_bytes(b"made before")
    before = contents(tmp_path)

    def interrupted(layer, specs, path, kind, names):
        for suffix in suffixes:
            Path(f"{path}{suffix}").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "save_graph", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_module.write_network(weights, tmp_path / "m", kind, False, UNSET)
    assert contents(tmp_path) == before


def test_formats_in_one_folder_keep_their_own_facts(weights, tmp_path, monkeypatch):
    """PyTorch's part has a stand-in, so that this is tested where PyTorch is not installed."""
    monkeypatch.setattr(export_module, "save_graph", lambda layer, specs, path, kind, names: [
        Path(f"{path}{suffix}").write_bytes(suffix.encode()) for suffix in (".json", ".pdiparams")])
    torch_part = types.SimpleNamespace(MADE_WITH="torch 0", network_of=lambda *_: None,
                                       write_state=lambda module, path: path.write_bytes(b"state"))
    monkeypatch.setitem(sys.modules, "bgmatting.model.export.torch_export", torch_part)
    monkeypatch.setattr("bgmatting.model.export.torch_export", torch_part, raising=False)
    graph, state = (export_module.write_network(weights, tmp_path / "m", kind, False, {**UNSET, "backbone_scale": scale})[1]
                    for kind, scale in (("paddle", 0.5), ("torch", 0.125)))
    assert [path.name for path in (graph, state)] == ["m.json", "m.pth"]
    assert (tmp_path / "m.pdiparams").read_bytes() == b".pdiparams" and len(contents(tmp_path)) == 5
    assert [facts_beside(path)["backbone_scale"] for path in (graph, state)] == ["0.5", "0.125"]


def test_what_pytorch_files_need_is_named(weights, tmp_path, monkeypatch):
    save_weights(reference_network(MattingBase, "mobilenetv3_small"), tmp_path / "v3.safetensors")
    flags = ["--format", "torch", "--output", str(tmp_path / "a" / "m")]
    if importlib.util.find_spec("torch"):
        with pytest.raises(UserError, match="mobilenetv3_small"):
            export.main(["--weights", str(tmp_path / "v3.safetensors"), *flags])
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("torch_export", "torch_network"):
        monkeypatch.delitem(sys.modules, f"bgmatting.model.export.{name}", raising=False)
        monkeypatch.delattr(f"bgmatting.model.export.{name}", raising=False)
    with pytest.raises(UserError, match="the package torch is not installed.*requirements-torch.txt"):
        export.main(["--weights", str(weights), *flags])
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("wrong", (0.002, np.nan))
def test_a_file_that_differs_is_refused(pair, network, tmp_path, monkeypatch, wrong):
    for name in ("m.json", "m.pdiparams"):
        (tmp_path / name).touch()

    def run(path, inputs):
        found = by_network(network, *inputs.values(), sample_pixels=80_000)
        found["pha"][0, 0, 5, 7] += wrong
        return found

    monkeypatch.setattr(export_module, "write_network", lambda *_: (network, tmp_path / "m.json", []))
    monkeypatch.setitem(export_module.RUNNERS, "paddle", run)
    with pytest.raises(UserError, match="m.json.*0.001"):
        export.main(["--format", "paddle", *pair])


def test_photos_that_cannot_be_used_write_nothing(pair, tmp_path):
    cv2.imwrite(str(tmp_path / "small.png"), np.full((3, 40, 3), 99, np.uint8))
    for photos in ([*pair[:2], "--bgr", str(tmp_path / "small.png")], ["--src", str(tmp_path / "none.png")]):
        with pytest.raises(UserError):
            export.main(["--format", "paddle", "--output", str(tmp_path / "new" / "m"), *photos])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("output, kind, expected", [
    ("models/model.onnx", None, ("models/model", "onnx")), ("models/m.v1", None, ("models/m.v1", "onnx")),
    ("m.xml", None, ("m", "openvino")), ("m.ONNX", "onnx", ("m", "onnx")),
    ("folder/", "paddle", ("folder/matting", "paddle")),
    ("here", None, ("here/matting", "onnx")), ("m.onnx", "paddle", None), ("m.pdmodel", "onnx", None)])
def test_how_the_output_is_named(tmp_path, monkeypatch, output, kind, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    if expected is None:
        with pytest.raises(UserError):
            export.named(output, kind)
    else:
        assert export.named(output, kind) == (Path(expected[0]), expected[1])
