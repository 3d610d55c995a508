"""Methods under evaluation: networks that are run, and mattes that some program has left in a folder."""
from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.dataset.layouts.mattes import check_predictions, read_prediction
from bgmatting.dataset.layouts.pairing import check_partners, check_sizes, files_by_name
from bgmatting.evaluation.baselines import BASELINES
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.media import read_image
from bgmatting.model.inference.matte import NOT_FINITE, as_float
from bgmatting.model.methods import find_method
from bgmatting.model.methods.recognition import recognised
from bgmatting.model.weights.files import WEIGHTS_SUFFIXES
from bgmatting.utils.errors import UserError, quote

if TYPE_CHECKING:
    from bgmatting.model import Matter

GIVEN = {"bgr": "src and bgr", "trimap": "src and trimap", None: "src alone"}  # by what a matting method needs


class Network:
    """A ``model.Matter`` as a method: ``network(item) -> (pha, fgr_u8 or None)``; ``seconds`` is what it took.

    ``rounded``: pha uint8; False: float32 in 0..1, as the network gives it.
    Raises (when called) UserError: the network's answer is not finite, as after a training that diverged.
    """

    def __init__(self, matter: Matter, rounded: bool = True):
        self._matter, self._rounded, self._needs = matter, rounded, matter.method.needs
        self.settings = {**matter.settings, "given": GIVEN[self._needs]}
        self.seconds, self.count = 0.0, 0

    def __call__(self, item: EvalItem) -> tuple[np.ndarray, np.ndarray | None]:
        start = time.perf_counter()
        given = {} if self._needs is None else {self._needs: item.extra(self._needs)}
        matte = _answer(self._matter.predict(item.src, want=self._matter.method.outputs, **given), self._rounded)
        self.seconds += time.perf_counter() - start
        self.count += 1
        return matte


class Mattes:
    """Mattes of any program as a method: DIR/NAME.* or DIR/pha/NAME.*, and DIR/fgr/NAME.* where there is DIR/pha.

    Args:
        names: of the benchmark's items.
        part: whether they are only a part of a benchmark, and mattes of further images are to be expected.
    Raises UserError: the folder is missing, an image of the benchmark has no matte, or a matte no image, or the mattes are
        masks of 0 and 1.
    """

    def __init__(self, folder: str | Path, names: list[str], part: bool = False):
        folder = Path(folder)
        root = folder / "pha" if (folder / "pha").is_dir() else folder
        self._pha, self._fgr = files_by_name(root), {}
        _check_complete(root, self._pha, names, part)
        check_predictions([self._pha[name] for name in names])
        if root != folder and (folder / "fgr").is_dir():
            self._fgr = files_by_name(folder / "fgr")
            check_partners(root, self._pha, folder / "fgr", self._fgr)
        self.settings = {"pred": str(folder)}

    def __call__(self, item: EvalItem) -> tuple[np.ndarray, np.ndarray | None]:
        """(pha_u8, fgr_u8 or None). Raises UserError where a file cannot be read or is of another size than the item."""
        pha = self._read(read_prediction, self._pha[item.name], item)
        return pha, self._read(read_image, self._fgr[item.name], item) if self._fgr else None

    @staticmethod
    def _read(read, file, item):
        image = read(file)
        check_sizes(image, file, item.pha, f"{item.name} of the benchmark")
        return image


def open_networks(weights: list[str | None], backends: list[str], precisions: list[str], unmix: tuple[bool, ...] = (False,),
                  rounded: bool = True, method: str | None = None, refining: dict | None = None,
                  **options: object) -> dict[str, Network]:
    """Every combination of weights, backends, precisions and the last step as {name: Network}; where the last step is on,
    the name ends in "+ unmix". No name is a baseline's.

    Args:
        weights: files; None for the starter weights.
        backends, precisions, options: of ``model.Matter``.
        unmix: values of ``Matter``'s ``unmix``. refining: None or a dict of its settings. Both are for methods that refine;
            others are run once, without them.
        rounded: as of ``Network``.
        method: name of the method that all are to be of; None: as the files say.
    Raises UserError: as ``Matter``; or weights are not of ``method``.
    """
    from bgmatting.model import Matter  # takes its time to import
    combinations = list(dict.fromkeys(itertools.product(weights, backends, precisions)))
    names = [_name(combination, weights, backends, precisions) for combination in combinations]
    networks = {}
    for name, (file, backend, precision) in zip(names, combinations):
        refines = _method_of(file, method).refines
        plain = {**options, "backend": backend, "precision": precision, "bits": 8 if rounded else 16}
        for last in unmix if refines else (None,):
            matter = Matter(file, **plain, **({"unmix": last, **(refining or {})} if refines else {}))
            networks[name + (" + unmix" if last else "")] = Network(matter, rounded)
    return networks


def _method_of(file, wanted):
    found, _ = recognised(file)
    if wanted is not None and find_method(wanted) is not found:
        raise UserError(f"{file or 'starter'} holds no weights of the method {wanted}: they are of {found.name}. Name "
                        "another file, or leave --method out.")
    return found


def _name(combination, *lists):
    """The words that tell one combination from the others: "network" where there is but one."""
    files = short_names(["starter" if file is None else str(file) for file in lists[0]])
    parts = []
    for value, values, shown in zip(combination, lists, (dict(zip(lists[0], files)), {}, {})):
        if len(set(values)) > 1:
            parts.append(shown.get(value, value))
    name = " ".join(parts) or "network"
    return f"network {name}" if name in BASELINES else name  # a baseline's results are told by its name


def short_names(paths: Iterable[str]) -> list[str]:
    """As few of the last parts of each path as tell them apart, without a weights file's suffix: run1/model, run2/model.

    The suffixes stay where without them two paths would be the same: model.safetensors, model.pdparams.
    """
    whole = [os.path.normpath(path) for path in paths]
    plain = [path[:-len(Path(path).suffix)] if path.endswith(WEIGHTS_SUFFIXES) else path for path in whole]
    if len(set(plain)) < len(set(whole)):
        plain = whole
    parts = [Path(path).parts for path in plain]
    for count in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(path[-count:]) for path in parts]
        if len(set(names)) == len(set(plain)):
            return names
    return plain


def open_mattes(folders: Iterable[str], names: list[str], taken: Iterable[str] = (),
                part: bool = False) -> dict[str, Mattes]:
    """{name: Mattes} of folders of mattes; the name is as much of a path as tells it from the others.

    Args:
        names, part: of ``Mattes``.
        taken: names that other methods have; "pred" is put before one of these.
    Raises UserError: as ``Mattes``.
    """
    methods = [f"pred {name}" if name in taken else name for name in short_names([str(folder) for folder in folders])]
    return {method: Mattes(folder, names, part) for method, folder in zip(methods, folders)}


def _check_complete(root, files, names, part):
    missing, extra = [name for name in names if name not in files], sorted(set(files) - set(names))
    if missing:
        raise UserError(f"{root} lacks the mattes of {len(missing)} of {len(names)} images ({quote(missing)}).")
    if extra and not part:
        raise UserError(f"{root} has {len(extra)} mattes that belong to no image of the benchmark ({quote(extra)}). "
                        "Remove them, or check the benchmark.")


def _answer(matte, rounded):
    pha = as_u8(matte.pha) if rounded else _checked(as_float(matte.pha))
    return pha, None if matte.fgr is None else as_u8(matte.fgr)


def _checked(values):
    if not np.isfinite(values).all():
        raise UserError(NOT_FINITE)
    return np.clip(values, 0, 1)


def as_u8(values: np.ndarray) -> np.ndarray:
    """uint8 as it is; floats in 0..1 rounded. Raises UserError where they are not finite, as after a failed training."""
    if values.dtype == np.uint8:
        return values
    return (_checked(as_float(values)) * 255 + 0.5).astype(np.uint8)
