"""What the refiner does where nobody says otherwise has one home, and everybody keeps to it."""
import inspect

import pytest

from bgmatting.benchmarks import infer
from bgmatting.commands import export
from bgmatting.commands.benchmark import parse
from bgmatting.model import MattingRefine
from bgmatting.model.refinement import (
    BACKBONE_SCALE,
    KERNEL_SIZE,
    NOTHING,
    Refinement,
    check_backbone_scale,
    check_refinement,
)
from bgmatting.training.config import DEFAULT, load_config
from bgmatting.utils.errors import UserError
from tests.model.reference import reference_network, reference_tensors

HOME = (BACKBONE_SCALE, *Refinement(), KERNEL_SIZE)


def test_the_values_are_those_of_the_paper():
    assert HOME == (0.25, "sampling", 80_000, 0.1, 3)
    assert (NOTHING.mode, NOTHING.sample_pixels) == ("sampling", 0)


def test_everybody_has_the_same_values():
    given = inspect.signature(MattingRefine.__init__).parameters
    assert tuple(given[name].default for name in (
        "backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold", "refine_kernel_size")) == HOME
    stage = load_config(DEFAULT)["refine"]
    assert tuple(stage[name] for name in ("backbone_scale", "mode", "sample_pixels", "threshold", "kernel_size")) == HOME
    flags = export.parse([])  # left to the weights file
    assert (flags.backbone_scale, flags.refine_mode, flags.sample_pixels, flags.refine_threshold) == (None,) * 4
    flags = parse(["infer"], {"infer": infer})
    assert (flags.backbone_scale, flags.sample_pixels) == (BACKBONE_SCALE, Refinement().sample_pixels)


def test_a_call_may_refine_otherwise_and_leaves_the_network_as_it_was():
    import paddle
    network = reference_network(MattingRefine, "mobilenetv2", refine_sample_pixels=160)
    photos = reference_tensors((0, 1), (1, 3, 32, 48))
    with paddle.no_grad():
        refined = [int(network(*photos, refinement=refinement).ref_sm.sum())
                   for refinement in (Refinement("full"), NOTHING, None, Refinement("sampling", 320))]
    assert refined == [96, 0, 10, 20]
    assert network.refiner.refinement == Refinement("sampling", 160, 0.1)


def test_what_is_out_of_range_is_named():
    assert check_refinement(Refinement()) == Refinement() and check_backbone_scale(1) == 1
    for wrong, said in ((Refinement("ful"), "'full'"), (Refinement("full", -1), "-1"), (Refinement("full", 1, 1.5), "1.5")):
        with pytest.raises(UserError, match=said):
            check_refinement(wrong)
    for scale in (0, 1.01, -1, float("nan")):
        with pytest.raises(UserError, match=f"at most 1.*{scale}"):
            check_backbone_scale(scale)
