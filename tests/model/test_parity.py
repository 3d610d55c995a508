"""With the same parameters the networks give what the authors' implementation gives."""
import paddle
import pytest

from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.weights import describe_state, from_torch_names
from tests.model.reference import (
    BACKBONES,
    difference,
    reference_network,
    reference_state,
    run,
    stored,
    stored_names,
    torch_name,
)


def test_base_mobilenetv2_in_float64():
    case = stored("base_mobilenetv2")
    out = run(reference_network(MattingBase, "mobilenetv2", dtype="float64"), case, "float64")
    assert out.pha.dtype == paddle.float64
    assert difference(out.pha, case["pha64"], case["stride"]).max() < 1e-9
    assert difference(out.err, case["err64"], case["stride"]).max() < 1e-9


@pytest.mark.parametrize("backbone, kernel", [(name, 3) for name in BACKBONES] + [("mobilenetv2", 1)])
def test_names_and_shapes(backbone, kernel):
    network = MattingRefine(backbone, refine_kernel_size=kernel)
    own = {torch_name(name): list(x.shape) for name, x in network.state_dict().items()}
    theirs = stored_names(backbone)
    if kernel == 1:
        theirs = {name: shape[:2] + [1, 1] if name.startswith("refiner.conv") and len(shape) == 4 else shape
                  for name, shape in theirs.items()}
    assert own == theirs


@pytest.mark.parametrize("backbone", ("mobilenetv3_small", "mobilenetv3_small_os32"))
def test_both_small_networks_are_told_by_their_shapes(backbone):
    state = reference_state(MattingRefine(backbone))
    assert describe_state(from_torch_names(state)) == {"backbone": backbone, "refine_kernel_size": 3}
