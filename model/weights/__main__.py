"""Convert weights files.

    python -m model.weights convert FILE OUT.safetensors [--half]

FILE is .pth (the authors' state dicts, or their TorchScript archives, unless frozen), .pdparams or .safetensors;
nothing in it is run. OUT is read by every command here. --half stores float16, half the size.
"""
import argparse

from utils.cpu import prepare_cpu
from utils.errors import UserError, run_main


def convert(source, target, half=False):
    """Read ``source``, fit it to the network that it belongs to, and write ``target``.

    Returns:
        (description of the network, LoadReport)

    Raises:
        UserError: ``source`` cannot be read, or is not of one of this project's networks, or ``target`` is no safetensors.
    """
    from model.matting import MattingBase, MattingRefine
    from model.weights.files import file_sha256, read_weights, save_weights
    from model.weights.loading import describe_state, from_torch_names, load_state
    if not str(target).endswith(".safetensors"):
        raise UserError(f"{target} must end in .safetensors.")
    arrays, _ = read_weights(source)
    arrays = from_torch_names(arrays)
    try:
        network = describe_state(arrays)
        kernel = network["refine_kernel_size"]
        model = (MattingBase(network["backbone"]) if kernel is None
                 else MattingRefine(network["backbone"], refine_kernel_size=kernel))
        report = load_state(model, arrays)
    except ValueError as error:
        raise UserError(f"{source} cannot be converted: {error}") from None
    save_weights(model, target, {"backbone": network["backbone"], "source_sha256": file_sha256(source)}, half)
    return network, report


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m model.weights", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("convert", help="read any known format, write safetensors")
    command.add_argument("file", help="weights to read")
    command.add_argument("out", help="file to write, .safetensors")
    command.add_argument("--half", action="store_true", help="store float16")
    args = parser.parse_args(argv)
    prepare_cpu()
    network, report = convert(args.file, args.out, args.half)
    kernel = network["refine_kernel_size"]
    print(f"{network['backbone']}, {'base network alone' if kernel is None else f'with refiner, kernel {kernel}'}")
    print(f"matched {len(report.matched)}, missing {len(report.missing)}, unexpected {len(report.unexpected)}"
          + "".join(f"\n  unexpected: {name}" for name in report.unexpected))
    print(f"wrote {args.out}")


if __name__ == "__main__":
    run_main(main)
