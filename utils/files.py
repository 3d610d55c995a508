"""Files and folders: written whole or not at all, checked before they are used, cleared of what killed runs left."""
from __future__ import annotations

import errno
import hashlib
import itertools
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from bgmatting.utils.errors import UserError, no_space

PROJECT = Path(__file__).resolve().parent.parent  # what comes with the project: the checkout, or the installed package
WORKPLACE = PROJECT if (PROJECT / "run.sh").is_file() else Path()  # what is written: the checkout, or the current folder

LONGEST_NAME = 255  # bytes of a name in a folder, on nearly all file systems
ADDED = 30          # of them are kept for the dot, number and suffix of a temporary name
LEFTOVER = re.compile(r"\.(?P<name>.+?)(?P<number>\.\d+)?\.(?P<kind>tmp|reserve|old)")  # what killed runs leave of NAME
LEFTOVER_AGE = 60                           # seconds: older ones are written by nobody any more


def file_sha256(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file's bytes, which need not fit into memory. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step: a reader sees the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part, file = create_hidden(path, partial(open, mode="xb"))  # no file that is there, nor what a link leads to
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        name_file(error, path)
        raise


def name_file(error: BaseException, path: str | os.PathLike) -> None:
    """Have an OSError name ``path`` where it names no file: those of write and fsync do not."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        error.filename = str(path)


def hidden_name(path: str | os.PathLike, number: int | None = None, suffix: str = "tmp") -> Path:
    """The temporary name of ``path``, beside it: .NAME.NUMBER.SUFFIX; number is that of the process by default."""
    path = Path(path)
    ending = f".{os.getpid() if number is None else number}.{suffix}"
    return path.with_name(f".{cut_name(path.name)}{ending}")


def cut_name(name: str, added: int = ADDED) -> str:
    """``name``, or of one that leaves no room for ``added`` bytes behind it the first part and a sum of the whole."""
    data = os.fsencode(name)
    if len(data) <= LONGEST_NAME - added:
        return name
    data = data[:LONGEST_NAME - added - 17].decode("utf-8", "ignore")
    return f"{data}~{hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()}"


def create_hidden(path: str | os.PathLike, create: Callable, suffix: str = "tmp") -> tuple[Path, object]:
    """(name, ``create(name)``) for a temporary name of ``path`` that nobody has. create: makes a file or folder of that
    name, and raises FileExistsError where there is one."""
    for number in (None, *(random.getrandbits(40) for _ in range(9))):
        name = hidden_name(path, number, suffix)
        try:
            return name, create(name)
        except FileExistsError:  # another machine's process of this number, or a killed one
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name))


class WholeFolder:
    """A folder that appears under its name whole or not at all::

        with WholeFolder(path) as part:  # hidden, beside path, to write into
            ...                          # ended without error: it gets its name; else it is gone

    Args:
        replace: a folder of this name is replaced when the new one is complete; False: the name is free, or an empty folder.
        alone: nobody else writes it: its hidden names .NAME.tmp and .NAME.old bear no number, so that a later run can clear
            up behind one that was killed.
    Raises:
        OSError: it cannot be made, or with ``keep``, the name is taken. What had the name is untouched. One of the body that
            names no file, as of a full disk, names this folder.
    """

    def __init__(self, path: str | os.PathLike, replace: bool = False, alone: bool = False):
        self.path, self._replace, self._alone = Path(path), replace, alone
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if alone:
            self.part = self.path.with_name(f".{cut_name(self.path.name)}.tmp")
            shutil.rmtree(self.part, ignore_errors=True)
            self.part.mkdir()
        else:
            self.part, _ = create_hidden(self.path, os.mkdir)

    def __enter__(self):
        return self.part

    def __exit__(self, kind, error, _):
        if kind is None:
            self.keep()
        else:
            self.drop()
            name_file(error, self.path)

    def keep(self) -> None:
        """Give the folder its name."""
        old = None
        try:
            if not self._replace and self.path.is_dir():
                self.path.rmdir()
            elif not self._replace and os.path.lexists(self.path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
            elif os.path.lexists(self.path):
                old = self._old_name()
                self.path.rename(old)
            self.part.rename(self.path)
        except BaseException as error:
            if old is not None and not os.path.lexists(self.path):
                old.rename(self.path)
            if isinstance(error, PermissionError) and not self._alone:
                with suppress(OSError):
                    error = kept_beside(self.part, self.path, error)
            self.drop()
            raise error
        _sync_folder(self.path.parent)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def drop(self) -> None:
        """Leave no folder."""
        shutil.rmtree(self.part, ignore_errors=True)

    def _old_name(self):
        if not self._alone:
            return hidden_name(self.path, suffix="old")
        old = self.path.with_name(f".{cut_name(self.path.name)}.old")
        shutil.rmtree(old, ignore_errors=True)
        return old


def kept_beside(part: Path, path: Path, error: OSError) -> OSError:
    """Give ``part`` a free name beside ``path``, whose own it cannot take because of ``error``: on Windows, a program has
    the old one open. Returns the error to raise, which says so; raises OSError where ``part`` cannot be renamed at all."""
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in itertools.count(2))
    other = next(name for name in names if not os.path.lexists(name))
    part.rename(other)
    return PermissionError(error.errno, f"{error.strerror}; what was to replace it is {other}", str(path))


def _sync_folder(path):
    """Have names in a folder on the disk, if its file system offers that; systems other than POSIX see to it themselves."""
    if os.name != "posix":
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(number)


def why_missing(path: str | os.PathLike) -> str:
    """Advice on a ``path`` that is not seen: one line."""
    place = _nearest(Path(os.path.abspath(path)).parent)
    if place.is_dir() and not os.access(place, os.X_OK):
        return f"You have no permission to look into {place}."
    return "Check the path."


def _nearest(place):
    """``place``, or where nothing is, the nearest folder above it that is there; a drive may not be there either."""
    while not os.path.lexists(place) and place.parent != place:
        place = place.parent
    return place


def check_is_file(path: str | os.PathLike) -> None:
    """Raise UserError where ``path`` is there and no file; to open a pipe would be to wait for ever."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{path} is a folder, device or pipe; name a file.")


def check_place(output: str | os.PathLike) -> None:
    """Raise UserError where the folder ``output`` cannot be made or written; makes nothing."""
    place = _nearest(Path(os.path.abspath(output)))
    if not place.is_dir():
        raise UserError(f"cannot write into the output folder {output}: {place} is not an "
                        f"existing folder. Name another with --output.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into the output folder {output}: no permission for {place}. "
                        f"Name another with --output.")


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Delete what killed runs left half written of ``paths``, if nobody has touched it for a minute.

    A folder that a killed run had moved aside gets its name back where no new one has taken it.
    """
    wanted = {}
    for path in paths:
        wanted.setdefault(path.parent, set()).add(cut_name(path.name))
    for folder, names in wanted.items():
        remove_leftovers_in(folder, names.__contains__)


def remove_leftovers_in(folder: str | os.PathLike, wanted: Callable[[str], bool], alone: bool = False) -> None:
    """``remove_leftovers`` of what is called as ``wanted`` (name -> bool) likes it, in one folder.

    ``alone``: also what ``WholeFolder`` leaves of folders that nobody else writes, however lately it was touched.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:  # not there, or not to be looked into: they harm nobody
        return
    for entry in entries:
        parts = LEFTOVER.fullmatch(entry.name)
        if not parts or not (parts["number"] or alone) or not wanted(parts["name"]):
            continue
        try:
            # nobody touches a .reserve while its .tmp is written
            tmp = f"{entry.path[:-len(parts['kind'])]}tmp"
            touched = os.stat(tmp if os.path.exists(tmp) else entry.path, follow_symlinks=False).st_mtime
            if parts["number"] and time.time() - touched <= LEFTOVER_AGE:
                continue
            path = os.path.join(folder, parts["name"])
            if parts["kind"] == "old" and not os.path.lexists(path):
                os.rename(entry.path, path)
            elif entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
        except OSError:
            continue  # somebody else was faster, or may; it harms nobody


def inside(path: str | os.PathLike, folder: str | os.PathLike) -> bool:
    """True where ``path`` is ``folder`` or lies below it, also where the file system takes other letters for the same."""
    path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return any(place == folder or identity(place) == identity(folder) is not None for place in (path, *path.parents))


def identity(path: str | os.PathLike) -> tuple[int, int] | None:
    """What tells a file or folder from all others whatever it is called, as Photo.PNG and photo.png are one on some file
    systems; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None  # 0: the file system has no such numbers


def prepare_folder(folder: str | os.PathLike, flag: str = "--output") -> Path:
    """Create the output folder, which ``flag`` names, and make sure that it can be written, before hours of work depend
    on it. Raises UserError: it is a file, or cannot be created or written."""
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
