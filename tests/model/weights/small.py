"""A small network for the tests of weights files, and its arrays with the names of other frameworks."""
import numpy as np
import paddle

from bgmatting.model.refinement import Refinement
from bgmatting.model.refiner import Refiner
from tests.model.weights.handmade import (
    Build,
    Call,
    Global,
    tensor,
)


def small(seed=0):
    """A network of a few kernels with statistics that differ from those of a new one."""
    paddle.seed(seed)
    model = Refiner(Refinement("sampling", 160, 0.5), 3)
    rng = np.random.default_rng(seed)
    for value in model.state_dict().values():
        value.set_value(rng.uniform(0.5, 1.5, value.shape).astype(np.float32))
    return model


def arrays_of(model):
    return {name: value.numpy() for name, value in model.state_dict().items()}


def same(one, other):
    return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)


def torch_arrays(model):
    """The state as PyTorch would name it, with step counters."""
    state = {}
    for name, value in arrays_of(model).items():
        state[name.replace("._mean", ".running_mean").replace("._variance", ".running_var")] = value
        if name.endswith("._mean"):
            state[name.replace("._mean", ".num_batches_tracked")] = np.array(7, np.int64)
    return state


def torch_state(arrays):
    """What ``torch.save`` pickles for {name: ndarray}, and its storages."""
    storages = {str(number): np.ascontiguousarray(value) for number, value in enumerate(arrays.values())}
    table = {name: tensor(key, value) for (name, value), key in zip(arrays.items(), storages)}
    return Build(table_of(table), {"_metadata": {"": {"version": 1}}}), storages


def table_of(items):
    """An OrderedDict made the way old pickles make it: from a list of pairs."""
    return Call(Global("collections", "OrderedDict"), ([[name, value] for name, value in items.items()],))
