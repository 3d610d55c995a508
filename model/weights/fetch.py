"""Fetch published weights: ``bgmatting fetch NAME``.

Over https alone, resumed where an earlier call stopped, bounded in size, read as data before they are put in place. The
SHA-256 of the first fetch is kept beside the file; a later fetch of the same name must have it.
"""
from __future__ import annotations

import argparse
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bgmatting.model.methods import METHODS, find_method
from bgmatting.model.weights.files import read_weights
from bgmatting.model.weights.places import PLACE
from bgmatting.utils.cli import CommandLine, run_main, say
from bgmatting.utils.errors import UserError, no_space, suggest
from bgmatting.utils.files import file_sha256, name_file, write_bytes

LARGEST = 1 << 30        # bytes; the largest published file has about a quarter
BLOCK = 1 << 18
SECONDS = 30             # without a byte
AUTHORS = "https://github.com/PeterL1n/BackgroundMattingV2/releases/download/v1.0.0/pytorch_{}.pth"
AUTHORS_BACKBONES = ("mobilenetv2", "resnet50", "resnet101")


def published() -> dict[str, str]:
    """{name: address} of all weights that can be fetched: PaddleSeg's MODNet and DIM, and the paper's authors' own."""
    found = {f"{method}-{backbone}": address for method in METHODS
             for backbone, address in find_method(method).published.items()}
    return {**found, **{f"authors-{name}": AUTHORS.format(name) for name in AUTHORS_BACKBONES}}


def fetch(name: str, folder: str | Path = PLACE, addresses: dict[str, str] | None = None, tell: Callable = say,
          context: ssl.SSLContext | None = None) -> Path:
    """Download weights into ``folder`` and return the file's path; a file that is there already stays.

    Args:
        name: one of ``published()``. addresses: others instead of those. tell: called with a line of text.
        context: whom to trust; the system's certificates by default.
    Raises:
        UserError: the name is unknown, the address cannot be reached (the message says what to put where),
            the answer is too large or no weights, or its checksum is not that of the first fetch.
        OSError: the disk is full.
    """
    addresses = published() if addresses is None else addresses
    if name not in addresses:
        raise UserError(f"no weights are known as '{name}'.{suggest(name, addresses)}")
    address, folder = addresses[name], Path(folder)
    target = folder / (name + Path(address).suffix)
    if target.is_file():
        tell(f"{target} is there already.")
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part{target.suffix}"
    try:
        _download(address, part, tell, context)
    except (OSError, http.client.HTTPException) as error:
        # of places here, which the address is not to blame for, an error names the file
        if no_space(error) or isinstance(error, OSError) and error.filename == str(part):
            name_file(error, target)
            raise
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        reason = str(reason) or type(error).__name__
        raise UserError(f"{address} cannot be fetched: {reason}. The same command goes on where it stopped; or download it "
                        f"elsewhere and put it here as {target}.") from None
    _check(part, target)
    os.replace(part, target)
    tell(f"wrote {target}")
    return target


def _check(part: Path, target: Path) -> None:
    """Keep the checksum of the first fetch; refuse what is no weights file, or another than then."""
    checksum, digest = target.with_name(target.name + ".sha256"), file_sha256(part)
    if checksum.is_file() and checksum.read_text(encoding="ascii").split()[:1] != [digest]:
        part.unlink()
        raise UserError(f"what was fetched for {target.name} has another checksum than the first time ({checksum}). Delete "
                        f"that file if the publisher has replaced the weights.")
    try:
        read_weights(part)
    except UserError as error:
        part.unlink()
        raise UserError(f"what was fetched for {target.name} is no weights file: {error}") from None
    write_bytes(checksum, f"{digest}  {target.name}\n".encode("ascii"))


def _download(address: str, part: Path, tell: Callable, context: ssl.SSLContext | None) -> None:
    """Append to ``part`` what is missing of it. Raises OSError, UserError where the answer is too large."""
    have = part.stat().st_size if part.is_file() else 0
    mark = part.with_name(part.name + ".etag")  # of what ``part`` is the beginning
    request = urllib.request.Request(address, headers={"User-Agent": "bgmatting"})
    if have and mark.is_file():
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", mark.read_text(encoding="latin-1"))
    if not address.startswith("https://"):
        raise UserError(f"{address} is not fetched: only https is.")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _SecureOnly())
    with opener.open(request, timeout=SECONDS) as answer:
        have = have if answer.status == 206 else 0
        length = answer.headers.get("Content-Length")
        whole = have + int(length) if length and length.isdigit() else None
        if whole is not None and whole > LARGEST:
            raise UserError(f"{address} has {_mib(whole)}; at most {_mib(LARGEST)} are fetched.")
        if not have and (tag := answer.headers.get("ETag") or answer.headers.get("Last-Modified")):
            mark.write_text(tag, encoding="latin-1")
        tell(f"fetching {address}" + (f" from byte {have}" if have else "") + (f", {_mib(whole)}" if whole else ""))
        with open(part, "ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                have += len(block)
                if have > LARGEST:
                    raise UserError(f"{address} has more than {_mib(LARGEST)}, which is not fetched.")
                file.write(block)
    if whole is not None and have < whole:
        raise ConnectionError(f"the connection ended after {have} of {whole} bytes")
    mark.unlink(missing_ok=True)


def _mib(count: int) -> str:
    return f"{count / 2 ** 20:.1f} MiB"


class _SecureOnly(urllib.request.HTTPRedirectHandler):
    """Follows an answer elsewhere only where that is https, too."""

    def redirect_request(self, request, file, code, message, headers, address):
        if not address.startswith("https://"):
            raise urllib.error.URLError(f"it leads to {address}, which is not https")
        return super().redirect_request(request, file, code, message, headers, address)


def main(argv: list[str] | None = None) -> None:
    """The command line: names to fetch, or none to list them."""
    parser = CommandLine(prog="bgmatting fetch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="weights to fetch (default: list them)")
    parser.add_argument("--folder", default=PLACE, help="where to (default: %(default)s, where they are looked for)")
    args = parser.parse_args(argv)
    for name, address in published().items() if not args.name else ():
        say(f"{name:22}  {address}")
    for name in args.name:
        fetch(name, args.folder)


if __name__ == "__main__":
    run_main(main)
