"""A page in the browser, and an HTTP API, for mattes of photos and videos.

    python app.py                                # opens http://127.0.0.1:7860; the API's reference is at /docs
    python app.py --port 8000 --no-browser
    python app.py --host 0.0.0.0 --token WORD    # for other machines too; see docs/web.md

Needs requirements-web.txt; `sh run.sh web` installs it and starts. Exit codes: 0 ended, 2 it cannot be started, 130 stopped.
"""
if __name__ == "__main__":  # before imports that an interpreter without the packages does not know
    from bgmatting.utils.interpreter import check_interpreter
    check_interpreter()

import argparse
import sys
import webbrowser

from bgmatting.commands.predict import open_matter
from bgmatting.prediction.options import Options
from bgmatting.utils.cli import CommandLine, say
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import find_device
from bgmatting.web.page import add_page
from bgmatting.web.server import check_packages, is_open_to_others, run
from bgmatting.web.settings import add_flags, settings_of

NETWORK = ("weights", "device", "backend", "precision", "max_memory", "backbone_scale", "sample_pixels", "refine_mode")


def parse(argv=None):
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    add = parser.add_argument
    add("--no-browser", action="store_true", help="do not open the page in a browser")
    add("--no-page", dest="page", action="store_false", help="the HTTP API alone")
    add("--weights", help="weights file or folder of a run (default: the starter weights)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--backend", help="openvino, onnxruntime, paddle-inference or paddle (default: the fastest there)")
    add("--precision", help="fp32; bf16 or fp16, where backend and device compute in it; auto, the default: bf16 where the "
                            "CPU has it")
    add("--max-memory", type=float, metavar="MIB", help="what refining may take at once (default: what is fastest)")
    add("--backbone-scale", type=float, help="size of the coarse network's input (default: as predict.py)")
    add("--sample-pixels", type=int, help="pixels to refine in mode sampling (default: as predict.py)")
    add("--refine-mode", help="sampling, thresholding or full (default: as predict.py)")
    parser.set_defaults(**{name: Options._field_defaults[name] for name in NETWORK})
    return parser.parse_args(argv)


def _alone(options):
    """() -> the network that mattes photos without their scene; None where its weights are not at hand."""
    from bgmatting.model.methods import method_needing
    from bgmatting.model.weights.places import placed_weights
    try:
        weights = str(placed_weights(method_needing(None)))
    except UserError:
        return None
    plain = Options("", None, "", weights=weights, device=options.device, backend=options.backend,
                    precision=options.precision)
    return lambda: open_matter(plain)


def main(argv=None):
    args = parse(argv)
    settings = settings_of(args)
    check_packages(args.page)
    if args.device:
        find_device(args.device)  # or the page would be there, and no matte
    options = Options("", None, "", **{name: getattr(args, name) for name in NETWORK})
    if is_open_to_others(settings):
        free = "" if settings.token else ", and there is no --token: whoever reaches this one can use it"
        say(f"note: {settings.host} lets other machines in{free}.", sys.stderr)

    def opened(address):
        say(f"listening at {address}  (API: {address}/docs; Ctrl-C ends it)")
        if args.page and not args.no_browser:
            webbrowser.open(address)

    prepare_cpu(load=False)
    run(settings, lambda: open_matter(options), add_page if args.page else None, opened, _alone(options))
