"""The parts of eval.py: the benchmark and the methods of a command line, the run, and what is printed of it."""
from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path

from bgmatting.evaluation.baselines import BASELINES
from bgmatting.evaluation.gallery import Gallery, file_words
from bgmatting.evaluation.methods import GIVEN, Network, open_mattes, open_networks
from bgmatting.evaluation.pipeline import measure
from bgmatting.evaluation.protocols import UNMIX, Protocol, find_protocol, trimap_rule
from bgmatting.evaluation.report import heading, line
from bgmatting.evaluation.scoring import Result, mean_of
from bgmatting.evaluation.selection import Benchmark, composed, from_folder
from bgmatting.evaluation.testset.photos import PhotoTestSet
from bgmatting.model.methods.recognition import recognised
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import inside
from bgmatting.utils.machine import usable_cores
from bgmatting.utils.sizes import parse_landscape

# Flags that say how images are composed: --folder has them composed already.
COMPOSING = ("dataset_name", "background_name", "background_dir", "split", "data_root", "size", "seed", "disturb",
             "backgrounds_each", "noise")
# The same of sets that are taken as they are; ``evaluation.selection`` refuses size, noise and disturb. --background-name
# has no effect either, but val.py always passes it.
COMPOSING_PHOTOS = ("background_dir", "seed", "backgrounds_each", "sequences")
SIZES = {"original": None}
ITEMS_PER_WORKER = 4  # fewer do not repay the start of a process
MOST_WORKERS = 8


def open_benchmark(args: argparse.Namespace, folders: dict[str, str | None] | None = None) -> Benchmark:
    """The ``Benchmark`` of the command line. ``folders``: of ``evaluation.selection.composed``.

    Raises UserError: as ``from_folder`` and ``composed``, or a flag has no effect on the images or a value out of range.
    """
    changes = {"trimap": args.trimap, "backbone_scale": args.backbone_scale, "sample_pixels": args.sample_pixels,
               "unmix": args.unmix}
    if args.folder is not None:
        _check_not_given(args, COMPOSING, "--folder")
        return from_folder(args.folder, args.protocol, changes, args.limit, args.sequences or None)
    changes.update(disturb=args.disturb, noise=args.noise)
    if args.noise is not None and not 0 <= args.noise <= 1:
        raise UserError(f"--noise is {args.noise}; use 0 to 1.")
    protocol = find_protocol(args.protocol or "paper")
    if args.size is not None or args.sequences and not protocol.listed:
        changes["size"] = parse_landscape(args.size or "original", SIZES) or "original"
    if args.background_name and args.background_dir:
        raise UserError("--background-name and --background-dir both name the backgrounds. Leave one out.")
    dataset = args.dataset_name or protocol.dataset
    background = os.path.abspath(args.background_dir) if args.background_dir else args.background_name or "Backgrounds"
    if protocol.listed and changes["trimap"] is None and _needs_trimap(args):
        changes["trimap"] = trimap_rule("trimap")
    benchmark = composed(dataset, background, args.protocol, changes, args.data_root, args.split, args.seed or 0, args.limit,
                         args.backgrounds_each, bool(args.sequences), folders)
    if isinstance(benchmark.items, PhotoTestSet):
        _check_not_given(args, COMPOSING_PHOTOS, dataset)
    return benchmark


def _check_not_given(args, names, images):
    for name in names:
        if getattr(args, name) is not None:
            flag = "no-disturb" if name == "disturb" else name.replace("_", "-")
            raise UserError(f"--{flag} is for sets that are composed; the images of {images} are taken as they are. "
                            "Leave it out.")


def _needs_trimap(args):
    """Whether all networks need a trimap, whose unknown region then counts; else the protocol's own rule does."""
    return args.weights is not None and all(recognised(file)[0].needs == "trimap" for file in args.weights)


def open_methods(args: argparse.Namespace, protocol: Protocol, names: list[str]) -> dict:
    """{name: method} of networks and folders of mattes; a folder alone where no weights are named."""
    mattes = open_mattes(args.pred or (), names, BASELINES, args.limit is not None)
    if args.pred and args.weights is None:
        return mattes
    prepare_cpu(load=False)
    networks = open_networks(args.weights or [None], args.backend, args.precision, UNMIX[protocol.unmix], protocol.rounded,
                             args.method, device=args.device,
                             refining={"backbone_scale": protocol.backbone_scale,
                                       "sample_pixels": protocol.sample_pixels})
    return {**networks, **{f"pred {name}" if name in networks else name: method for name, method in mattes.items()}}


def check_kept(keep: Path, methods: Iterable[str], preds: Iterable[str]) -> None:
    """Raise UserError where mattes that ``measure`` is to write in ``keep`` would lie among those that it reads.

    Args:
        methods: names of all methods and baselines. preds: folders of mattes.
    """
    folders = [keep / word for word in file_words(methods).values()]
    for pred in preds:
        for folder in folders:
            if inside(folder, pred) or inside(pred, folder):
                raise UserError(f"--save-results would write to {folder}, among the mattes of --pred {pred}. Name another "
                                "folder with --output.")


def without_bgr(words: list[str] | None, export: str | None) -> tuple[()]:
    """The baselines of a benchmark of photos without an image of the empty scene: none.

    ``words``: the names of the command line, or None; export: its folder for the benchmark, or None.
    Raises UserError: baselines were asked for, or the benchmark is to be exported.
    """
    if words:
        raise UserError(f"the baseline {words[0]} needs an image of the empty scene, and these are photos as they are. "
                        "Leave --baselines out.")
    if export is not None:
        raise UserError("--export-set is for images that are composed, and these are photos as they are: copy them.")
    return ()


def score_all(benchmark: Benchmark, methods: dict, baselines: Iterable[str], workers: int,
              keep: Path | None) -> tuple[dict[str, Result], Gallery, float]:
    """Run everything, printing a line per image; ``keep``: as of ``measure``. Returns ({name: Result}, Gallery, seconds)."""
    shown, rows, gallery = benchmark.protocol.columns, {}, Gallery(len(benchmark.items))
    first = next(iter({**methods, **dict.fromkeys(baselines)}))
    print(heading(shown))
    start = time.perf_counter()
    for scored in measure(benchmark.items, benchmark.protocol, methods, baselines, workers, keep):
        for name, row in scored.rows.items():
            rows.setdefault(name, []).append(row)
        gallery.add(scored.name, scored.rows[first]["mse"], scored.pictures)
        print(line(scored.name, scored.rows[first], shown), flush=True)
    seconds = time.perf_counter() - start
    settings = {name: dict(getattr(methods.get(name), "settings", {"baseline": name, "given": GIVEN["bgr"]}))
                for name in rows}
    return {name: Result(own, mean_of(own), settings[name]) for name, own in rows.items()}, gallery, seconds


def speed(methods: dict, count: int, seconds: float) -> dict:
    """Return how fast it went, as {"images_per_second": float, "network_seconds": {name: seconds an image}}."""
    networks = {name: round(network.seconds / max(network.count, 1), 4) for name, network in methods.items()
                if isinstance(network, Network)}
    return {"images_per_second": round(count / seconds, 3), "network_seconds": networks}


def workers_for(wanted: int | None, count: int) -> int:
    """The number of worker processes: as asked for, else as many as are worth their start."""
    if wanted is not None and wanted < 0:
        raise UserError(f"--workers is {wanted}; use 0 or more.")
    return min(usable_cores(), MOST_WORKERS, count // ITEMS_PER_WORKER) if wanted is None else min(wanted, count)


def first_network(methods: dict) -> dict:
    """Settings of the first network, on top of results.json as well as beside its figures."""
    settings = next((method.settings for method in methods.values() if isinstance(method, Network)), {})
    return {**{key: settings[key] for key in ("weights", "sha256", "device") if key in settings}, "settings": dict(settings)}
