"""Settings of a server: limits, and where it listens: made once from the command line, handed down."""
from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
from typing import NamedTuple

from bgmatting.utils.errors import UserError

ENVIRONMENT = {"token": "MATTING_TOKEN", "allowed_hosts": "MATTING_ALLOWED_HOSTS", "insecure": "MATTING_INSECURE",
               "trusted_proxies": "MATTING_TRUSTED_PROXIES", "root_path": "MATTING_ROOT_PATH",
               "frame_ancestors": "MATTING_FRAME_ANCESTORS"}  # a command line is seen by others of the machine
TOKEN_CHARACTERS = 8  # the shortest token that is taken, in characters
LOCAL = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")


class Settings(NamedTuple):
    """Flags of app.py by their names; docs are in --help. Sizes are pixels and MiB, times are seconds."""
    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    insecure: bool = False
    allowed_hosts: tuple = ()
    trusted_proxies: tuple = LOCAL
    root_path: str = ""
    frame_ancestors: str = "'self'"
    max_pixels: int = 40_000_000
    max_mib: float = 200.0
    max_seconds: float = 300.0
    upload_seconds: float = 120.0
    queue: int = 8
    keep_seconds: float = 540.0
    max_frames: int = 20_000
    max_result_mib: float = 2048.0
    max_spool_mib: float = 8192.0
    max_results: int = 100
    jobs_per_client: int = 4
    max_cameras: int = 4
    decode_seconds: float = 30.0
    decode_mib: float = 3072.0

    @property
    def max_bytes(self) -> int:
        """Bytes that a request may hold."""
        return int(self.max_mib * 2 ** 20)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the address."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address, without brackets, is that of this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``Settings`` to an argparse parser."""
    usual, add = Settings(), parser.add_argument
    add("--host", help="address to listen on: 127.0.0.1, the default, accepts only this machine; 0.0.0.0 accepts every "
                       "machine that can reach this one")
    add("--port", type=int, help=f"(default: {usual.port})")
    add("--token", help=f"password that requests must send, at least {TOKEN_CHARACTERS} characters (Authorization: Bearer "
        f"WORD; for the page /?token=WORD once); default: $MATTING_TOKEN, else none on this machine alone; if other "
        f"machines can connect, one is generated and printed")
    add("--insecure", action="store_true", help="no token even if other machines can connect: anyone who reaches the server "
        "can use it")
    add("--allowed-hosts", nargs="+", metavar="NAME", help="host names of the server behind a proxy (matting.example.com, "
        "*.example.com; * allows any, and lets other web pages use the server)")
    add("--trusted-proxies", nargs="+", metavar="ADDRESS", help="addresses or networks whose X-Forwarded-Proto, -For, -Host "
        "and -Prefix headers are trusted (default: this machine)")
    add("--root-path", metavar="PATH", help="path of the server behind a proxy that strips it and sends no "
        "X-Forwarded-Prefix, such as /matting")
    add("--frame-ancestors", metavar="SOURCES", help="pages that may embed this one in a frame, as in "
        "Content-Security-Policy (default: 'self')")
    add("--max-pixels", type=int, help=f"most pixels of a photo or frame (default: {usual.max_pixels:,})")
    add("--max-mib", type=float, help=f"largest request, in MiB (default: {usual.max_mib:.0f})")
    add("--max-seconds", type=float, help=f"longest video, in seconds (default: {usual.max_seconds:.0f})")
    add("--upload-seconds", type=float, help=f"longest time to receive a request, in seconds (default: "
        f"{usual.upload_seconds:.0f})")
    add("--queue", type=int, help=f"most photos waiting; the same number of videos may wait (default: {usual.queue})")
    add("--max-frames", type=int, help=f"most frames of a video (default: {usual.max_frames:,})")
    add("--max-result-mib", type=float, help=f"largest results of one request, in MiB (default: "
        f"{usual.max_result_mib:,.0f})")
    add("--max-spool-mib", type=float, help=f"most disk space for all uploads and results, in MiB (default: "
        f"{usual.max_spool_mib:,.0f})")
    add("--max-results", type=int, help=f"most finished jobs to keep (default: {usual.max_results})")
    add("--jobs-per-client", type=int, help=f"most unfinished jobs of one address beyond this machine (default: "
        f"{usual.jobs_per_client})")
    add("--max-cameras", type=int, help=f"most cameras at the same time (default: {usual.max_cameras})")
    add("--decode-seconds", type=float, help=f"longest time to decode a photo or frame, in seconds (default: "
        f"{usual.decode_seconds:.0f})")
    add("--decode-mib", type=float, help=f"most memory to decode a file, in MiB (default: {usual.decode_mib:,.0f})")
    parser.set_defaults(**{**usual._asdict(), **dict.fromkeys(ENVIRONMENT)})  # what is not given comes from the environment


def settings_of(args: argparse.Namespace) -> Settings:
    """``Settings`` of a parsed command line and the environment.

    Raises:
        UserError: a value makes no sense.
    """
    for name in ("max_pixels", "max_mib", "max_seconds", "upload_seconds", "max_frames", "max_result_mib", "max_spool_mib",
                 "max_results", "jobs_per_client", "max_cameras", "decode_seconds", "decode_mib"):
        if not 0 < getattr(args, name) < float("inf"):
            raise UserError(f"--{name.replace('_', '-')} has to be above 0, not {getattr(args, name)}.")
    if args.queue < 0:
        raise UserError(f"--queue has to be 0 or more, not {args.queue}.")
    if not 0 <= args.port < 65536:
        raise UserError(f"--port is a number from 0 to 65535, not {args.port}.")
    given = {name: getattr(args, name) or os.environ.get(variable) or None for name, variable in ENVIRONMENT.items()}
    settings = Settings(**{name: getattr(args, name) for name in Settings._fields})._replace(
        token=_checked_token(given["token"]), insecure=_is_on(given["insecure"]),
        allowed_hosts=tuple(name.lower() for name in _words(given["allowed_hosts"])),
        trusted_proxies=_networks(given["trusted_proxies"]), root_path=_checked_path(given["root_path"]),
        frame_ancestors=_checked_sources(given["frame_ancestors"]))
    if settings.token is None and not settings.is_local and not settings.insecure:
        settings = settings._replace(token=secrets.token_urlsafe(24))
    return settings


def _checked_token(token):
    if token is None:
        return None
    if len(token) < TOKEN_CHARACTERS:
        raise UserError(f"the token has {len(token)} characters; it takes {TOKEN_CHARACTERS} or more, such as those that "
                        f"python -c 'import secrets; print(secrets.token_urlsafe())' prints.")
    if token != token.strip() or not token.isprintable():
        raise UserError("the token begins or ends with a space, or holds what cannot be printed; no header carries that.")
    return token


def _is_on(word):
    return word is True or str(word).lower() in ("1", "true", "yes", "on")


def _words(given):
    return given.replace(",", " ").split() if isinstance(given, str) else given or ()


def _networks(given):
    if not given:
        return LOCAL
    try:
        return tuple(ipaddress.ip_network(word, strict=False) for word in _words(given))
    except ValueError as error:
        raise UserError(f"--trusted-proxies takes addresses and networks (10.0.0.2, 172.16.0.0/12): {error}.") from None


def _checked_path(path):
    path = "" if not path else f"/{path.strip('/')}".rstrip("/")
    if any(sign in path for sign in "?#\\ ") or ".." in path or not path.isascii() or not path.isprintable() or "//" in path:
        raise UserError(f"--root-path is a path such as /matting, not {path}.")
    return path


def _checked_sources(text):
    if text and (not text.isascii() or not text.isprintable() or any(sign in text for sign in ";,")):
        raise UserError(f"--frame-ancestors takes sources of Content-Security-Policy (https://huggingface.co), not {text}.")
    return text or "'self'"
