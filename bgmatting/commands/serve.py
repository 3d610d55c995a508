"""Serve a web page and an HTTP API for matting photos and videos.

    python app.py                                # opens http://127.0.0.1:7860; the API's reference is at /docs
    python app.py --port 8000 --no-browser
    python app.py --host 0.0.0.0     # open to other machines; prints the token they need: docs/howto/deploy.md

Needs requirements-web.txt; `sh run.sh web` installs it and starts the server.
Exit codes: 0 ended, 2 cannot start, 130 stopped.
"""
from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from argparse import Namespace

from bgmatting.model.methods import method_needing
from bgmatting.model.methods.recognition import recognised
from bgmatting.model.weights.places import PLACE, placed_weights
from bgmatting.prediction.network_choice import open_matter, precision_beside
from bgmatting.prediction.options import Options
from bgmatting.prediction.options import add_flags as add_options
from bgmatting.utils.cli import CommandLine, say
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import find_device
from bgmatting.web.server import check_packages, run
from bgmatting.web.settings import ENVIRONMENT, add_flags, settings_of

NETWORK = ("weights", "device", "backend", "precision", "max_memory", "backbone_scale", "sample_pixels", "refine_mode",
           "refine_threshold")


def parse(argv: list[str] | None = None) -> Namespace:
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    add = parser.add_argument
    add("--no-browser", action="store_true", help="do not open the page in a browser")
    add("--no-page", dest="page", action="store_false", help="serve only the HTTP API")
    add_options(parser, NETWORK)
    return parser.parse_args(argv)


def _check_weights(path):
    """Raise UserError for weights that cannot matte src and bgr, which all but the tab of photos alone sends."""
    method, _ = recognised(path)
    if method.needs != "bgr":
        tab = f" The page's tab for photos alone takes those of {method.name} from {PLACE}." if method.needs is None else ""
        raise UserError(f"{path} is of {method.name}, and app.py mattes src and bgr. Name weights of "
                        f"{method_needing('bgr').name} with --weights, or leave it out.{tab}")


def _alone(options):
    """() -> the network that mattes photos without their scene; None where its weights are not at hand."""
    try:
        weights = str(placed_weights(method_needing(None)))
    except UserError:
        return None
    plain = Options(weights=weights, device=options.device, backend=options.backend,
                    precision=precision_beside(options.precision))
    return lambda: open_matter(plain)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    settings = settings_of(args)
    check_packages(args.page)
    if args.device:
        find_device(args.device)  # or the page would be there, and no matte
    options = Options(**{name: getattr(args, name) for name in NETWORK})
    _check_weights(options.weights)
    if not settings.is_local and not settings.token:
        say(f"note: {settings.host} lets other machines in, and whoever reaches it can use it: --insecure.", sys.stderr)

    def opened(address):
        say(f"listening at {address}  (API: {address}/docs; Ctrl-C ends it)")
        if settings.token:
            is_known = args.token or os.environ.get(ENVIRONMENT["token"])
            told = "WORD" if is_known else settings.token
            say(f"open {address}/?token={told} once in a browser; programs send the header Authorization: Bearer {told}")
        elif args.page and not args.no_browser:  # a token would be seen in the browser's command line
            webbrowser.open(address)

    prepare_cpu(load=False)
    run(settings, lambda: open_matter(options), args.page, opened, _alone(options))
