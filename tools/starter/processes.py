"""A phase of training by one process or by several, each of which takes its share of every batch."""
from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import torch

from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.samples import training_set
from tools.starter.judging import Judge
from tools.starter.phases import PHASES
from tools.starter.run import Run


def samples_of(stage: dict):
    """The training samples of a stage of "stream"."""
    return training_set(stage, "base", open_catalog())


def train_together(settings: dict, stage: dict, folder: Path, phase: str) -> None:
    """Run a phase of ``tools.starter.phases`` in ``folder``, with the recipe's ``processes``. This one is the first of them.

    Raises:
        UserError: as ``Run`` and the phases, before another process is started.
    """
    run = opened(0, settings, stage, folder, phase)
    with tempfile.TemporaryDirectory() as meeting:
        words = (settings, stage, folder, phase, f"{meeting}/store")
        others = [torch.multiprocessing.get_context("spawn").Process(target=take_part, args=(part, *words))
                  for part in range(1, settings["processes"])]
        for other in others:
            other.start()
        go(run, f"{meeting}/store")
        for other in others:
            other.join()


def take_part(part: int, settings: dict, stage: dict, folder: Path, phase: str, meeting: str) -> None:
    """Be one of the other processes, which all find each other by the file ``meeting``."""
    go(opened(part, settings, stage, folder, phase), meeting)


def opened(part: int, settings: dict, stage: dict, folder: Path, phase: str) -> Run:
    """The ``Run`` of one of the processes, of which the first alone judges."""
    torch.set_num_threads(settings["threads"])
    cv2.setNumThreads(1)
    whole = phase != "base"
    judge = None if part else Judge({**stage, "valid_size": stage["valid_size"] * (2 if whole else 1)}, whole)  # seen at 0.5
    return Run(settings, folder, PHASES[phase](settings), samples_of(stage), judge, part)


def go(run: Run, meeting: str) -> None:
    """Train, with the other processes if there are any."""
    if run.parts == 1:
        run.go()
        return
    store = torch.distributed.FileStore(meeting, run.parts)
    torch.distributed.init_process_group("gloo", store=store, rank=run.part, world_size=run.parts)
    run.go()
    torch.distributed.destroy_process_group()
