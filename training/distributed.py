"""The processes of one training run, one for each device, and what they tell one another.

``python -m paddle.distributed.launch train.py ...`` starts them; without it a run is one process.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import paddle
from paddle import distributed

from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import find_device


class Ranks:
    """This process, number ``rank``, among the ``world`` of the run, computing on ``device``. Methods that talk are
    called by all at the same moment."""

    def __init__(self, rank: int, world: int, device: str):
        self.rank, self.world, self.device = rank, world, device
        self._launcher = os.getppid()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and validates."""
        return self.rank == 0

    @property
    def abandoned(self) -> bool:
        """Whether the launcher has died: some of paddle's die of a signal without a word to their processes."""
        return self.world > 1 and os.getppid() != self._launcher

    def wrap(self, layer: paddle.nn.Layer, find_unused: bool) -> paddle.nn.Layer:
        """``layer`` with gradients averaged over the processes, which begin with the weights of the first. find_unused:
        whether there are forwards that leave parameters out."""
        if self.world == 1:
            return layer
        return paddle.DataParallel(layer, find_unused_parameters=find_unused)

    def local(self, wrapped: paddle.nn.Layer) -> AbstractContextManager:
        """Context in which a wrapped layer's gradients stay in this process, to be averaged by a later backward."""
        return nullcontext() if self.world == 1 else wrapped.no_sync()

    def mean(self, values: list) -> list:
        """Mean over the processes of each of a list of numbers."""
        if self.world == 1:
            return list(values)
        total = paddle.to_tensor(values, dtype="float64")
        distributed.all_reduce(total)
        return (total / self.world).tolist()

    def any(self, flag: bool) -> bool:
        """Return whether ``flag`` is set in any process."""
        return self.mean([float(flag)])[0] > 0

    def share(self, value: object) -> object:
        """The first process' value, in all of them."""
        if self.world == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def on_first(self, work: Callable) -> object:
        """Call ``work`` in the first process while the others wait; its result, or its error, is everyone's: what it
        raises; in the other processes a UserError where it was one or an OSError."""
        result, error = None, None
        if self.first:
            try:
                result = work()
            except (UserError, OSError) as raised:
                error = raised
        result, text = self.share((result, None if error is None else str(error)))
        if error is not None:
            raise error
        if text is not None:
            raise UserError(f"the first process stopped: {text}")
        return result


def join_ranks(device: str | None) -> Ranks:
    """Find the other processes and this one's device, and make it paddle's current one. device: as for ``find_device``;
    with several processes it must not name one GPU for all. Raises UserError: there is no such device, or the processes
    cannot talk to one another from it."""
    env = distributed.ParallelEnv()
    if env.world_size > 1 and (device or "").startswith("gpu:"):
        raise UserError(f"--device {device} would put all processes on one GPU; leave it out, and choose GPUs with the "
                        "launcher's --devices.")
    place = find_device(device)
    if place != "cpu" and device in (None, "gpu"):
        place = find_device(f"gpu:{env.device_id}")  # 0 unless the launcher says otherwise
    if env.world_size > 1:
        _check_backend(place)
        distributed.init_parallel_env()
    paddle.set_device(place)
    return Ranks(env.rank, env.world_size, place)


def synchronised(network: paddle.nn.Layer, ranks: Ranks) -> paddle.nn.Layer:
    """``network`` with BatchNorm over the batches of all processes; on a CPU, which has no such kernel, as it is."""
    if ranks.world == 1 or ranks.device == "cpu":
        return network
    return paddle.nn.SyncBatchNorm.convert_sync_batchnorm(network)


def _check_backend(device):
    gloo = os.environ.get("PADDLE_DISTRI_BACKEND") == "gloo"
    if device == "cpu" and not gloo:
        raise UserError("several processes on a CPU need the launcher's flag --backend gloo: "
                        "python -m paddle.distributed.launch --nproc_per_node N --backend gloo train.py ...")
    if device != "cpu" and gloo:
        raise UserError("--backend gloo is for --device cpu; leave it out for GPUs.")
