"""From a weights file's arrays to a network, ready for use."""
import numpy as np

from model.matting import MattingRefine
from model.weights import load_state


def build_network(network, arrays, **settings):
    """A MattingRefine in evaluation mode that holds ``arrays``.

    Args:
        network: {"backbone", "refine_kernel_size"}; where the kernel size is None the file holds a base network alone, and
            the refiner keeps the values it is made with.
        settings: further arguments of MattingRefine.

    Raises:
        ValueError: the arrays are not those of such a network.
    """
    kernel_size = network["refine_kernel_size"]
    model = MattingRefine(network["backbone"], refine_kernel_size=kernel_size or 3, **settings)
    if kernel_size is None:
        unused = {f"refiner.{name}": np.asarray(value.numpy()) for name, value in model.refiner.state_dict().items()}
        arrays = {**arrays, **unused}
    load_state(model, arrays)
    model.eval()
    return model
