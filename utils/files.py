"""Files and folders: written whole or not at all, checked before they are used, cleared of what killed runs left."""
import hashlib
import os
import re
import time
from pathlib import Path

from utils.errors import UserError, no_space

PROJECT = Path(__file__).resolve().parent.parent  # the project's folder

LEFTOVER = re.compile(r"\.(.+)\.\d+\.tmp")  # what a killed write_bytes leaves of NAME
LEFTOVER_AGE = 60                           # seconds: older ones are written by nobody any more


def file_sha256(path):
    """Hexadecimal SHA-256 of a file's bytes, which need not fit into memory. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_bytes(path, data):
    """Replace ``path`` by ``data`` in one step: a reader sees the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def check_place(output):
    """Raise UserError where the folder ``output`` cannot be made or written; makes nothing."""
    place = Path(os.path.abspath(output))
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise UserError(f"cannot write into the output folder {output}: {place} is not a folder. "
                        f"Name another with --output.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into the output folder {output}: no permission for {place}. "
                        f"Name another with --output.")


def remove_leftovers(paths):
    """Delete what killed runs left half written of ``paths``, if nobody has touched it for a minute."""
    wanted = {}
    for path in paths:
        wanted.setdefault(path.parent, set()).add(path.name)
    for folder, names in wanted.items():
        for entry in os.scandir(folder) if folder.is_dir() else ():
            found = LEFTOVER.fullmatch(entry.name)
            if found and found[1] in names:
                try:
                    if time.time() - entry.stat().st_mtime > LEFTOVER_AGE:
                        os.unlink(entry.path)
                except OSError:
                    continue  # somebody else was faster, or may; it harms nobody


def inside(path, folder):
    """True where ``path`` is ``folder`` or lies below it."""
    path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return path == folder or folder in path.parents


def prepare_folder(folder, flag="--output"):
    """Create the output folder and make sure that it can be written, before hours of work depend on it.

    Args:
        flag: what names the folder on the command line.

    Raises:
        UserError: it is a file, or cannot be created or written.
    """
    folder = Path(folder)
    probe = folder / f".probe.{os.getpid()}"
    try:
        write_bytes(probe, b"")
        probe.unlink()
    except OSError as error:
        if no_space(error):
            raise
        raise UserError(f"cannot write into the output folder {folder}: {error.strerror}. "
                        f"Name another with {flag}.") from None
    return folder
