"""Describe, convert and average weights files.

    python -m bgmatting weights describe FILE
    python -m bgmatting weights convert FILE OUT.safetensors [--half]
    python -m bgmatting weights average FILE FILE... OUT.safetensors [--refiner FILE]

FILE is .pth (the authors' state dicts, or their TorchScript archives, unless frozen), .pdparams or .safetensors;
nothing in it is run. OUT is read by every command here. --half stores float16, half the size. The mean of a network before
and after further training is often better than either (Wortsman et al., "Model soups", 2022). --refiner takes the refiner
from a file of its own, where base and refiner were trained apart. OUT replaces an older file, but never one that is read.
"""
from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np
from safetensors.numpy import save

from bgmatting.media import write_bytes
from bgmatting.model.methods.recognition import method_of, read_network
from bgmatting.model.weights.files import read_weights, save_weights
from bgmatting.model.weights.loading import LoadReport
from bgmatting.model.weights.metadata import ORIGIN, SETTINGS, stored_settings
from bgmatting.model.weights.naming import PARTS, backbone_kind, from_torch_names, our_names, part_of
from bgmatting.model.weights.paddleseg import load_paddleseg_state
from bgmatting.model.weights.places import weights_path
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import file_sha256


def convert(source: str | os.PathLike, target: str | os.PathLike, half: bool = False) -> tuple[dict, LoadReport]:
    """Read ``source``, fit it to the network that it belongs to, and write ``target``. Returns (description of the network,
    as ``model.methods.recognition.NetworkFile`` has it, LoadReport). Raises UserError: ``source`` cannot be read, or is not
    of one of this project's networks, or ``target`` is no safetensors or is ``source``."""
    from bgmatting.model.matting import MattingBase  # imports paddle
    _check_target(target, [source])
    file = read_network(source)
    settings = dict(file.described)
    method, backbone = settings.pop("method"), settings.pop("backbone")
    try:
        base_alone = file.method.refines and settings["refine_kernel_size"] is None
        model = MattingBase(backbone) if base_alone else file.method.build(backbone, **settings)
        report = load_paddleseg_state(model, file.arrays)
    except ValueError as error:
        raise UserError(f"{file.path} cannot be converted: {error}") from None
    stored_settings(file.metadata, file.path)  # or what is written could not be read
    kept = {key: file.metadata[key] for key in (*SETTINGS, *ORIGIN) if key in file.metadata}
    facts = {**kept, "method": method, "backbone": backbone, "source_sha256": file_sha256(file.path)}
    save_weights(model, target, facts, half)
    return file.described, report


def describe(source: str | os.PathLike) -> list[str]:
    """Lines that say what a weights file of this project or another holds: kind, backbone, counts by part, header. Raises
    UserError: it cannot be read."""
    path = weights_path(source)
    arrays, metadata = read_weights(path)
    try:
        method, described = method_of(from_torch_names(arrays), metadata)
    except ValueError:
        method = None
    arrays = our_names(arrays)
    parts = {part: [arrays[name] for name in arrays if part_of(name) == part] for part in (*PARTS, "other")}
    if method is not None and method.refines and not parts["decoder"]:  # an encoder of such names is not yet a network
        method = None
    if method is None:
        kind, backbone = _kind(parts), backbone_kind(arrays) or "none that is known"
    else:
        kind, backbone = _told(method, described), described["backbone"]
    lines = [f"file       {path}", f"kind       {kind}", f"backbone   {backbone}",
             f"{'part':<10}{'arrays':>8}{'numbers':>14}"]
    lines += [f"{part:<10}{len(found):>8}{sum(array.size for array in found):>14}" for part, found in parts.items() if found]
    for key, value in sorted(metadata.items()):
        lines.append("".join(letter if letter.isprintable() else " " for letter in f"{key:<10} {value}"[:200]))
    return lines


def _told(method, described):
    """What kind of network a method is told to have in a file."""
    if not method.refines:
        return f"matting network of the method {method.name}"
    kernel = described["refine_kernel_size"]
    return f"matting network, {'base alone' if kernel is None else f'base and refiner, kernel {kernel}'}"


def _kind(parts):
    """What kind of network has these parts, where it is no method's."""
    if parts["decoder"] or not parts["backbone"] + parts["aspp"]:
        return "another network"
    return "DeepLabV3" if parts["aspp"] else "classification network"


def average(sources: Sequence[str | os.PathLike], target: str | os.PathLike,
            refiner: str | os.PathLike | None = None) -> None:
    """Write the mean of several files of one network, as float32; with ``refiner``, that file's refiner instead of theirs.
    One file alone needs a ``refiner``. Raises UserError: there is one alone, they are of different networks, or cannot be
    read, or ``target`` is no safetensors or is one of them."""
    if len(sources) < 2 and refiner is None:  # it may be that OUT was left out, and the second file stands in its place
        raise UserError(f"there is only one file to average, and {target} would be written. Name two or more files before "
                        f"OUT, or --refiner.")
    _check_target(target, sources if refiner is None else [*sources, refiner])
    found, metadata = zip(*map(_own_arrays, sources))
    for source, arrays in zip(sources, found):
        for name, value in arrays.items():
            if value.dtype.kind != "f":
                raise UserError(f"{source} cannot be averaged: {name} holds {value.dtype}, and weights are floats.")
    shapes = [{name: value.shape for name, value in arrays.items()} for arrays in found]
    for source, other in zip(sources[1:], shapes[1:]):
        if other != shapes[0]:
            raise UserError(f"{source} is of another network than {sources[0]}: names or shapes differ.")
    mean = {name: np.mean([arrays[name].astype(np.float64) for arrays in found], axis=0).astype(np.float32)
            for name in found[0]}
    if refiner is not None:
        other, _ = _own_arrays(refiner)
        if {name: value.shape for name, value in other.items()} != shapes[0]:
            raise UserError(f"{refiner} is of another network than {sources[0]}: names or shapes differ.")
        mean.update({name: value.astype(np.float32) for name, value in other.items() if name.startswith("refiner.")})
    kept = {key: metadata[0][key] for key in SETTINGS if len({header.get(key) for header in metadata}) == 1 and
            key in metadata[0]}  # what they do not agree on is nobody's
    write_bytes(target, save(mean, metadata=kept or None))


def _own_arrays(source):
    arrays, metadata = read_weights(weights_path(source))
    return from_torch_names(arrays), metadata


def _check_target(target, sources):
    """Raises UserError where ``target`` is no safetensors, or is one of the weights files ``sources``."""
    if not str(target).endswith(".safetensors"):
        raise UserError(f"{target} must end in .safetensors.")
    for path in map(weights_path, sources):
        if os.path.exists(path) and os.path.exists(target) and os.path.samefile(path, target):
            raise UserError(f"{target} would be replaced, and it is one of the files to read. Name another OUT.")


def main(argv: list[str] | None = None) -> None:
    parser = CommandLine(prog="python -m bgmatting weights", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("describe", help="what a weights file holds")
    command.add_argument("file", help="weights, of this project or another, or 'starter'")
    command = commands.add_parser("convert", help="read any known format, write safetensors")
    command.add_argument("file", help="weights to read")
    command.add_argument("out", help="file to write, .safetensors")
    command.add_argument("--half", action="store_true", help="store float16")
    command = commands.add_parser("average", help="the mean of several files of one network")
    command.add_argument("file", nargs="+", help="weights to read, or 'starter'")
    command.add_argument("out", help="file to write, .safetensors")
    command.add_argument("--refiner", metavar="FILE", help="file to take the refiner from")
    args = parser.parse_args(argv)
    prepare_cpu()
    if args.command == "describe":
        print("\n".join(describe(args.file)))
        return
    if args.command == "average":
        average(args.file, args.out, args.refiner)
        print(f"wrote {args.out}")
        return
    network, report = convert(args.file, args.out, args.half)
    kernel = network.get("refine_kernel_size")
    what = "base network alone" if kernel is None else f"with refiner, kernel {kernel}"
    print(f"{network['backbone']}, {what if network['method'] == 'background' else network['method']}")
    print(f"matched {len(report.matched)}, missing {len(report.missing)}, unexpected {len(report.unexpected)}"
          + "".join(f"\n  unexpected: {name}" for name in report.unexpected))
    print(f"wrote {args.out}")


if __name__ == "__main__":
    run_main(main)
