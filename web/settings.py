"""Settings of a server: where it listens, whom it trusts, and its limits; made once of the command line, handed down."""
from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
from dataclasses import dataclass, fields, replace

from bgmatting.utils.errors import UserError
from bgmatting.web.limits import Limits

ENVIRONMENT = {"token": "MATTING_TOKEN", "allowed_hosts": "MATTING_ALLOWED_HOSTS", "insecure": "MATTING_INSECURE",
               "trusted_proxies": "MATTING_TRUSTED_PROXIES", "root_path": "MATTING_ROOT_PATH",
               "frame_ancestors": "MATTING_FRAME_ANCESTORS"}  # a command line is seen by others of the machine
TOKEN_CHARACTERS = 8  # the shortest token that is taken, in characters
LOCAL = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")


@dataclass(frozen=True)
class Settings(Limits):
    """Flags of app.py by their names; docs are in --help."""
    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    insecure: bool = False
    allowed_hosts: tuple = ()
    trusted_proxies: tuple = LOCAL
    root_path: str = ""
    frame_ancestors: str = "'self'"

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
    add = parser.add_argument
    add("--host", help="address to listen on: 127.0.0.1, the default, accepts only this machine; 0.0.0.0 accepts every "
                       "machine that can reach this one")
    add("--port", type=int, help=f"(default: {Settings.port})")
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
    for limit in fields(Limits):
        if limit.metadata:
            add(_flag(limit.name), type=type(limit.default),
                help=f"{limit.metadata['help']} (default: {limit.default:,.0f})")
    defaults = {one.name: one.default for one in fields(Settings)}
    parser.set_defaults(**{**defaults, **dict.fromkeys(ENVIRONMENT)})  # what is not given comes from the environment


def _flag(name):
    return f"--{name.replace('_', '-')}"


def settings_of(args: argparse.Namespace) -> Settings:
    """``Settings`` of a parsed command line and the environment. Raises UserError where a value makes no sense."""
    for limit in fields(Limits):
        value = getattr(args, limit.name)
        least = 0 if limit.name == "queue" else 1e-9
        if not least <= value < float("inf"):
            raise UserError(f"{_flag(limit.name)} has to be {'above' if least else 'at least'} 0, not {value}.")
    if not 0 <= args.port < 65536:
        raise UserError(f"--port is a number from 0 to 65535, not {args.port}.")
    given = {name: getattr(args, name) or os.environ.get(variable) or None for name, variable in ENVIRONMENT.items()}
    settings = Settings(**{
        **{one.name: getattr(args, one.name) for one in fields(Settings)},
        "token": _checked_token(given["token"]), "insecure": str(given["insecure"]).lower() in ("1", "true", "yes", "on"),
        "allowed_hosts": tuple(name.lower() for name in _words(given["allowed_hosts"])),
        "trusted_proxies": _networks(given["trusted_proxies"]), "root_path": _checked_path(given["root_path"]),
        "frame_ancestors": _checked_sources(given["frame_ancestors"])})
    if settings.token is None and not settings.is_local and not settings.insecure:
        settings = replace(settings, token=secrets.token_urlsafe(24))
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
