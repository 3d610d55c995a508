"""The training step in PyTorch: losses, the rates' plan, interruption, the phases, and the network to start from."""
import os
import signal
from functools import partial

import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")

import paddle  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from bgmatting.dataset.samples import SampleKey, StreamSet  # noqa: E402
from bgmatting.model import losses as own_losses  # noqa: E402
from bgmatting.model.export.torch_network import Base, Coarse, Matting, Refined, state_of  # noqa: E402
from bgmatting.model.inference import unmix  # noqa: E402
from bgmatting.training.config import DEFAULT, load_config  # noqa: E402
from bgmatting.utils.cli import StopOnSignal  # noqa: E402
from bgmatting.utils.errors import UserError  # noqa: E402
from tools.starter import curves, judging, last_step, losses  # noqa: E402
from tools.starter.__main__ import main, read_recipe, stage_of  # noqa: E402
from tools.starter.faster import DilatedDepthwise, Folded, StridedDepthwise, faster, outputs  # noqa: E402
from tools.starter.losses import Batch  # noqa: E402
from tools.starter.phases import PHASES  # noqa: E402
from tools.starter.processes import samples_of  # noqa: E402
from tools.starter.run import Buckets, Run, collated, pace  # noqa: E402

RECIPE = "tools/starter/recipe.yml"
BUCKETS = {"base": [[0.7, 2, 64, 64], [0.3, 1, 64, 96]], "refiner": [[1.0, 1, 128, 128]], "joint": [[1.0, 1, 128, 128]]}


@pytest.fixture
def recipe(tmp_path):
    """write(**changes) -> the shipped recipe made small, of painted subjects alone, from random weights."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    start = tmp_path / "start.safetensors"
    save_file(state_of(Matting()), start)

    def write(processes=1, **changes):
        with open(RECIPE, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        content["common"].update(stage={"valid_count": 1, "valid_size": 64}, out=str(tmp_path / "out"), workers=0, threads=1,
                                 processes=processes,
                                 warmup=1, log_every=1, save_seconds=1e9, keep_seconds=1e9)
        for phase, buckets in BUCKETS.items():
            content[phase].update(start=str(start), iterations=3, tail=1, buckets=buckets)
        content["base"].update(scales=[1.0, 0.5], **changes)
        content["refiner"].update(refiner_start=None)
        content["joint"].update(mixed=[[1.0, 0.5]])
        path = tmp_path / "recipe.yml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def run_of(path, phase, folder):
    settings = read_recipe(path, phase)
    return Run(settings, folder, PHASES[phase](settings), samples_of(stage_of(settings)))


def sample(apart=0.5, pha=1.0):
    """A Batch of one 40 x 40 image, everywhere alike."""
    bgr, ones = torch.full((1, 3, 40, 40), 0.25), torch.ones(1, 1, 40, 40)
    return Batch(bgr + apart, bgr, bgr + apart, ones * pha)


def test_losses_are_the_projects():
    rng = np.random.default_rng(0)
    src, bgr, fgr, res, pha, true, err = (rng.random((2, count, 32, 32), np.float32) for count in (3, 3, 3, 3, 1, 1, 1))
    true[:, :, :8] = 0
    ref = (rng.random((2, 1, 8, 8)) < 0.5).astype(np.float32)
    batch = Batch(*map(torch.from_numpy, (src, bgr, fgr, true)))
    colour = np.clip(res - 0.5 + src, 0, 1)

    class Pred:
        pass

    pred = Pred()
    pred.pha, pred.err, pred.fgr, pred.ref_sm = map(paddle.to_tensor, (pha, err, colour, ref))
    out = Coarse(*map(torch.from_numpy, (pha, colour, err)), None, None)
    refined = Refined(*map(torch.from_numpy, (pha, colour)), None, None, None, torch.from_numpy(ref))
    targets = paddle.to_tensor(true), paddle.to_tensor(fgr)
    for found, wanted in ((losses.base_loss(out, batch, 0, 0), own_losses.base_loss(pred, *targets)),
                          (losses.refiner_loss(refined, batch), own_losses.patch_loss(pred, *targets))):
        assert set(found) == set(wanted)
        for name, value in found.items():
            assert float(value) == pytest.approx(wanted[name].item(), rel=1e-5), name


def test_holes_and_gaps_count_more():
    seen, hidden = (losses.weight(sample(apart), hidden=3, gaps=2) for apart in (0.5, 0.0))
    assert torch.allclose(seen, torch.ones(1)) and torch.allclose(hidden, torch.full((1,), 4.0))
    net = sample()
    net.pha[..., ::2, :] = 0
    weight = losses.weight(net, hidden=3, gaps=2)
    assert weight[0, 0, 20, 10] == 3 and weight[0, 0, 21, 10] == 1
    assert losses.weight(sample(pha=0.0), 3, 2).max() == 1


def test_pace_rises_and_falls():
    plan = {"iterations": 100, "tail": 40, "warmup": 10}
    assert pace(0, plan) == pytest.approx(0.1) and pace(30, plan) == 1 and pace(80, plan) == 0.5 and pace(100, plan) > 0


def test_buckets_have_fixed_sizes_and_go_on_where_they_stopped():
    whole = list(Buckets(3, BUCKETS["base"], 0, 40))
    assert whole[25:] == list(Buckets(3, BUCKETS["base"], 25, 40))
    assert {(len(keys), keys[0].height, keys[0].width) for keys in whole} == {(2, 64, 64), (1, 64, 96)}
    numbers = [key.number for keys in whole for key in keys]
    assert len(set(numbers)) == len(numbers)


def test_two_processes_train_as_one_does(recipe, tmp_path):
    changes = {"buckets": [[1.0, 2, 64, 64]], "rates": dict.fromkeys(("first", "backbone", "aspp", "decoder"), 1e-5)}
    for processes in (1, 2):
        main(["base", str(recipe(processes, **changes)), "--out", str(tmp_path / str(processes))])
    one, two = (torch.load(tmp_path / name / "base" / "checkpoint.pt", weights_only=True) for name in "12")
    assert (one["iteration"], one["samples"]) == (two["iteration"], two["samples"]) == (3, 6)
    start = load_file(tmp_path / "start.safetensors")
    moved, apart = (sum(float((value - other[name]).abs().sum()) for name, value in one["model"].items())
                    for other in (start, two["model"]))
    assert apart < 0.05 * moved  # which parts of a batch were summed first is seen where Adam divides small by small
    with pytest.raises(UserError, match="processes"):  # 1 sample for two of them; before another one is started
        main(["base", str(recipe(2)), "--out", str(tmp_path / "odd")])


def test_workers_make_the_same_batches(recipe):
    samples = samples_of(stage_of(read_recipe(recipe(), "base")))
    none, two = (DataLoader(samples, batch_sampler=Buckets(1, BUCKETS["base"], 0, 3), num_workers=workers,
                            collate_fn=collated) for workers in (0, 2))
    assert all(torch.equal(a, b) for one, other in zip(none, two) for a, b in zip(one, other))


def test_both_phases_run_from_the_command_line(recipe, tmp_path):
    path = str(recipe())
    main(["base", path])
    base = tmp_path / "out" / "base"
    main(["refiner", path, "--out", str(tmp_path / "joined"), "--set", "iterations=0", f"start={base / 'ema.safetensors'}",
          f"refiner_start={tmp_path / 'start.safetensors'}"])
    joined = load_file(tmp_path / "joined" / "refiner" / "ema.safetensors")
    main(["refiner", path, "--set", f"start={base / 'ema.safetensors'}", f"refiner_start={tmp_path / 'start.safetensors'}"])
    for folder in (base, tmp_path / "out" / "refiner"):
        saved = torch.load(folder / "checkpoint.pt", weights_only=True)
        assert set(saved) == {"model", "optimizer", "ema", "iteration", "samples", "seconds"}
        assert saved["iteration"] == 3 and (folder / "kept" / "000003.safetensors").is_file()
        assert len((folder / "valid.tsv").read_text().splitlines()) == 2
    start, based, refined = (load_file(file) for file in (tmp_path / "start.safetensors", base / "ema.safetensors",
                                                          folder / "ema.safetensors"))
    assert set(joined) == set(refined)
    assert all(torch.equal(value, {**start, **based}[name]) for name, value in joined.items())
    changed = {name for name, value in refined.items() if not torch.equal(value, joined[name])}
    assert {name.split(".")[0] for name in changed} == {"refiner", "decoder"}
    assert {name for name in changed if name[0] == "d"} == {"decoder.conv4.weight", "decoder.conv4.bias"}
    assert torch.equal(refined["decoder.conv4.weight"][:5], joined["decoder.conv4.weight"][:5])
    assert not torch.equal(based["decoder.conv4.weight"], start["decoder.conv4.weight"])


def test_base_and_refiner_train_together(recipe, tmp_path):
    main(["joint", str(recipe())])
    start, made = load_file(tmp_path / "start.safetensors"), load_file(tmp_path / "out" / "joint" / "ema.safetensors")
    changed = {name for name, value in made.items() if not torch.equal(value, start[name])}
    assert {name.split(".")[0] for name in changed} == {"backbone", "aspp", "decoder", "refiner"}
    assert not any(name.endswith(("running_mean", "running_var")) for name in changed)
    last = "decoder.conv4.weight"
    assert not torch.equal(made[last][:5], start[last][:5]) and not torch.equal(made[last][5:], start[last][5:])
    assert (tmp_path / "out" / "joint" / "valid.tsv").is_file()


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(recipe, tmp_path):
    path = recipe()
    whole, first = run_of(path, "base", tmp_path / "whole"), run_of(path, "base", tmp_path / "parts")
    assert [len(group["params"]) for group in whole.optimizer.param_groups] == [1, 152, 18, 11]
    whole.go()
    terms = first.phase.terms

    def terms_and_ask(batch, scale):
        os.kill(os.getpid(), signal.SIGTERM)
        return terms(batch, scale)

    first.phase.terms = terms_and_ask
    first.go()
    second = run_of(path, "base", tmp_path / "parts")
    assert (first.iteration, second.iteration) == (1, 1) and second.samples in (1, 2)
    second.go()
    assert second.iteration == 3 and second.samples == whole.samples
    for name, value in state_of(whole.phase.model).items():
        assert torch.allclose(value, state_of(second.phase.model)[name], atol=1e-6), name
        assert torch.allclose(whole.ema[name], second.ema[name], atol=1e-6), name


def test_some_batches_are_seen_enlarged(recipe, tmp_path):
    def seen(enlarged, iteration):
        run.settings["enlarged"], run.iteration, shown = enlarged, iteration, []
        terms = run.phase.terms
        run.phase.terms = lambda batch, scale: shown.append(scale) or terms(batch, scale)
        with StopOnSignal() as stop:
            run._step(batch, {}, stop)
        run.phase.terms = terms
        return shown

    run = run_of(recipe(), "base", tmp_path)
    batch = collated([run.samples_of[key] for key in next(iter(run.keys))])
    pixels = batch.pha.numel()
    assert seen([1, 1.5, pixels], 0) == [1.5] and seen([1, 1.5, pixels - 1], 0) == [1.0, 0.5]
    drawn = [seen([0.5, 1.5, pixels], number) for number in range(8)]
    assert {tuple(scales) for scales in drawn} == {(1.5,), (1.0, 0.5)}
    assert drawn == [seen([0.5, 1.5, pixels], number) for number in range(8)]


def test_a_scale_is_drawn_among_those_that_leave_a_sample_small_enough(recipe, tmp_path, monkeypatch):
    run = run_of(recipe(), "joint", tmp_path)
    batch = sample()._replace(pha=torch.ones(1, 1, 40, 40))
    run.settings["mixed"] = [[0.5, 0.5], [0.5, 1.0]]

    def drawn():
        found = []
        for run.iteration in range(12):
            found += run._scales(batch)
        return found

    assert set(drawn()) == {0.5, 1.0} and drawn() == drawn()
    monkeypatch.setattr("tools.starter.run.MOST", 1599)
    assert set(drawn()) == {0.5}


def test_what_cannot_be_used_is_refused(recipe, tmp_path):
    path = recipe()
    save_file(state_of(Base()), tmp_path / "base.safetensors")
    for phase, setting, said in (("base", "sede=1", "seed"), ("base", "seed", "KEY=VALUE"),
                                 ("base", "stage={augment: {shade: 1}}", "shadow"),
                                 ("refiner", f"start={tmp_path / 'base.safetensors'}", "refiner.conv1.weight")):
        with pytest.raises(UserError, match=said):
            main([phase, str(path), "--set", setting])
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(UserError, match="checkpoint.pt"):
        run_of(path, "base", tmp_path / "base")
    content = yaml.safe_load(path.read_text())
    del content["base"]["buckets"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match="buckets"):
        main(["base", str(path)])


def test_the_initial_network_computes_what_its_encoder_does(recipe, tmp_path, monkeypatch):
    from tools.starter import initial
    monkeypatch.setattr(initial, "SIZE", (64, 64))
    monkeypatch.setattr(initial, "BATCHES", 2)
    torch.manual_seed(1)
    source = Base().eval()
    arrays = {name.removeprefix("backbone."): value.numpy() for name, value in state_of(source).items()
              if name.startswith(("backbone.", "aspp.convs.0.", "aspp.convs.4."))}
    arrays["features.0.0.weight"] = arrays["features.0.0.weight"][:, :3]
    arrays["aspp.project.0.weight"] = np.zeros((256, 512, 1, 1), np.float32)
    np.savez(tmp_path / "encoder.npz", **arrays)
    monkeypatch.setattr(initial, "BGR_NOISE", 0.0)
    main(["initial", str(tmp_path / "encoder.npz"), str(recipe()), str(tmp_path / "initial.safetensors")])
    made = Base().eval()
    made.load_state_dict(load_file(tmp_path / "initial.safetensors"), strict=False)
    src = torch.from_numpy(StreamSet(1, load_config(DEFAULT)["augment"])[SampleKey(0, 0, 0, 64, 64)][0])[None].float() / 255
    with torch.no_grad():
        source.backbone.features[0][0].weight[:, 3:] = 0
        for one, other in zip(source.backbone(torch.cat([src, src], 1)), made.backbone(torch.cat([src, src], 1))):
            assert (one - other).abs().max() < 1e-3 * max(1, float(one.abs().max()))
        out = made(src, src)
    assert made.decoder.bn3.running_var.std() > 0 and out.pha.isfinite().all()
    with pytest.raises(UserError, match="features"):
        np.savez(tmp_path / "other.npz", a=np.zeros(3))
        main(["initial", str(tmp_path / "other.npz"), str(recipe()), str(tmp_path / "x.safetensors")])


def test_measures_are_what_they_say():
    true, trimap = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    true[16:48, 16:48], trimap[28:36, 28:36] = 255, 128
    assert all(value == 0 for value in judging.measures(true, true, trimap).values())
    holed = true.copy()
    holed[30:34, 30:34] = 0
    found = judging.measures(holed, true, trimap)
    assert found["holes"] == found["mad"] == pytest.approx(1000 * 16 / 64 ** 2) and found["fills"] == 0
    assert found["sad"] == pytest.approx(0.016) and found["mse"] == pytest.approx(250)


@pytest.mark.parametrize("size", [(64, 96), (80, 112)])  # at 1/16: 4 x 6, and 5 x 7, which do not halve
def test_the_faster_convolutions_compute_what_the_others_do(size):
    torch.manual_seed(0)
    plain, other = Base().eval(), Base().eval()
    other.load_state_dict(plain.state_dict())
    other.backbone.features[3].conv[1][1].running_mean += 0.1
    plain.load_state_dict(other.state_dict())
    faster(other)
    for kind in (DilatedDepthwise, StridedDepthwise):
        assert sum(type(module) is kind for module in other.modules()) == 3
    assert sum(isinstance(module, Folded) for module in other.modules()) == 60
    src, bgr = torch.rand(2, 2, 3, *size)
    results = []
    for model, run in ((plain, Base.forward), (other, Base.forward), (other, partial(outputs, train="base"))):
        model.zero_grad()
        out = run(model, src, bgr)
        (out.pha.sum() + out.fgr.sum() + out.err.sum()).backward()
        results.append([out.pha, out.fgr, out.err, *(parameter.grad for parameter in model.parameters())])
    for first, *others in zip(*results):
        assert all(torch.allclose(first, second, rtol=1e-3, atol=1e-4) for second in others)


def test_curves_of_a_log(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("".join(f"21:34:50 it {20 * n:6d} samples {70 * n:7d}  0.97/s pha_l1 {0.5 / n:.5f} err_mse 0.00984\n"
                           for n in (1, 2, 3)) + "21:40:00 valid sad 6.7\n")
    samples, losses = curves.read_losses(log)
    assert samples.tolist() == [70, 140, 210] and list(losses) == ["pha_l1", "err_mse"]
    assert losses["pha_l1"].tolist() == [0.5, 0.25, 0.16667]
    assert curves.smoothed(np.array([1.0, 3, 5, 7, 9, 11])).tolist() == [1, 2, 3, 4, 5, 7]
    pytest.importorskip("matplotlib")
    curves.main([str(tmp_path / "curves.png"), f"a={log}", f"b={log}"])
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    for wrong in (tmp_path / "none.txt", tmp_path / "empty.txt"):
        (tmp_path / "empty.txt").write_text("nothing\n")
        with pytest.raises(UserError, match=wrong.name):
            curves.main([str(tmp_path / "curves.png"), f"a={wrong}"])


def test_the_last_step_is_fitted_to_mattes_of_samples(recipe, tmp_path, monkeypatch):
    out = tmp_path / "last_step.safetensors"
    change = ["samples=3", "sizes=[[96, 128]]", "looks=[[1, 0.5, 100], [1, null, 0]]", "pixels=400", "rounds=0.1",
              "batch=16"]
    main(["last_step", str(recipe()), str(out), "--set", *change])
    shapes = {name: tuple(value.shape) for name, value in load_file(out).items()}
    width, rows = shapes["0.weight"]
    assert shapes == {"0.weight": (32, len(unmix.EVIDENCE)), "0.bias": (32,), "1.weight": (32, 32), "1.bias": (32,),
                      "2.weight": (1, 32), "2.bias": (1,)} and (width, rows) == (32, 12)
    with pytest.raises(UserError, match="soft edge"):
        monkeypatch.setattr(last_step, "LEAST", 10 ** 9)
        main(["last_step", str(recipe()), str(out), "--set", *change])


def test_the_last_step_finds_what_rows_say_of_alpha(tmp_path, monkeypatch):
    """Here the first row is off by half of what the seventh, a logarithm of any range, has above its mean."""
    rng = np.random.default_rng(0)
    rows = rng.random((len(unmix.EVIDENCE), 20_000)).astype(np.float32)
    rows[6] = 3 * rows[6] - 5
    true = np.clip(rows[0] + (rows[6] + 3.5) / 2, 0, 1)
    settings = {**read_recipe(RECIPE, "last_step"), "rounds": 60, "batch": 1000}
    layers = last_step.fitted(settings, rows, true, np.ones(20_000, np.float32))
    layers = [(part["weight"].numpy(), part["bias"].numpy()[:, None]) for part in layers]
    monkeypatch.setattr(unmix, "_layers", lambda: layers)
    assert np.abs(unmix._learned(rows) - true).mean() < 0.1 * np.abs(rows[0] - true).mean()
