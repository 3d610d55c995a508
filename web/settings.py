"""What a server allows, and where it listens: made once from the command line, handed down."""
import os
from typing import NamedTuple, Optional

from bgmatting.utils.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = "MATTING_TOKEN"  # environment: a command line is seen by others of the machine


class Settings(NamedTuple):
    """Flags of app.py by their names; docs are in --help. Sizes are pixels and MiB, times are seconds."""
    host: str = "127.0.0.1"
    port: int = 7860
    token: Optional[str] = None
    max_pixels: int = 40_000_000
    max_mib: float = 200.0
    max_seconds: float = 300.0
    upload_seconds: float = 120.0
    queue: int = 8
    keep_seconds: float = 540.0

    @property
    def max_bytes(self):
        """What a request may hold."""
        return int(self.max_mib * 2 ** 20)


def add_flags(parser):
    """Add the flags of ``Settings`` to an argparse parser."""
    usual, add = Settings(), parser.add_argument
    add("--host", help="address to listen at: 127.0.0.1, the default, is this machine alone; 0.0.0.0 is whoever reaches it, "
                       "so set a token then")
    add("--port", type=int, help=f"(default: {usual.port})")
    add("--token", help=f"word that requests have to bring (Authorization: Bearer WORD; for the page /?token=WORD once); "
                        f"default: ${TOKEN}, else none")
    add("--max-pixels", type=int, help=f"of a photo or a frame (default: {usual.max_pixels:,})")
    add("--max-mib", type=float, help=f"MiB of a request (default: {usual.max_mib:.0f})")
    add("--max-seconds", type=float, help=f"length of a film (default: {usual.max_seconds:.0f})")
    add("--upload-seconds", type=float, help=f"what a request may take to arrive (default: {usual.upload_seconds:.0f})")
    add("--queue", type=int, help=f"photos that may wait, and as many films (default: {usual.queue})")
    parser.set_defaults(**usual._asdict())


def settings_of(args):
    """``Settings`` of a parsed command line. Raises UserError for numbers that make no sense."""
    for name in ("max_pixels", "max_mib", "max_seconds", "upload_seconds"):
        if not 0 < getattr(args, name) < float("inf"):
            raise UserError(f"--{name.replace('_', '-')} has to be above 0, not {getattr(args, name)}.")
    if args.queue < 0:
        raise UserError(f"--queue has to be 0 or more, not {args.queue}.")
    if not 0 <= args.port < 65536:
        raise UserError(f"--port is a number from 0 to 65535, not {args.port}.")
    token = args.token or os.environ.get(TOKEN) or None
    return Settings(**{**{name: getattr(args, name) for name in Settings._fields}, "token": token})
