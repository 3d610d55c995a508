"""Unpack archives of datasets where training looks for them.

    python -m bgmatting unpack /home/aistudio/data                 # every ZIP and tar below it, into data/ of this project
    python -m bgmatting unpack set.zip --data-root /data           # one archive, elsewhere

An archive becomes a folder of its name; where all in it lies in one folder, that folder's name. What was unpacked before is
passed over. A killed run leaves nothing half unpacked under a name that counts, and what the disk has no room for is refused
before anything is written.
"""
import argparse
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from bgmatting.dataset.catalog import USUAL_ROOT
from bgmatting.media.files import is_system
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WholeFolder

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError,
          ValueError)  # what the libraries raise
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

AT_ONCE = 1 << 20  # bytes


def archives(places):
    """The archives among files and below folders, sorted; each once.

    Raises:
        UserError: a place is not there, or a file is no archive that can be unpacked.
    """
    found = set()
    for place in map(Path, places):
        if place.is_dir():
            found.update(Path(folder, name) for folder, names in _files_below(place) for name in names
                         if name.lower().endswith(SUFFIXES) and not is_system(name))
        elif not place.exists():
            raise UserError(f"no such file or folder: {place}.")
        elif not place.name.lower().endswith(SUFFIXES):
            raise UserError(f"{place} is no archive of these kinds: {', '.join(SUFFIXES)}. Unpack it by hand.")
        else:
            found.add(place)
    return sorted(found)


def _files_below(place):
    """(folder, names of its files) of all folders but those of other systems."""
    for folder, inner, names in os.walk(place):
        inner[:] = [name for name in inner if not is_system(name)]
        yield folder, names


def unpack(archive, root):
    """Unpack one archive below ``root``; returns (folder, whether it was there before).

    Links and names that lead out of the folder are refused by the libraries' own rules.

    Raises:
        UserError: the archive is damaged, holds such a name, is empty, no file, or larger than the room on the disk.
    """
    archive, root = Path(archive), Path(root)
    try:
        if not stat.S_ISREG(archive.stat().st_mode):  # opening a pipe would wait for ever
            raise ValueError("it is a device or pipe")
        sizes = _sizes(archive)
        name = _folder_name(archive.name, [name for name, _ in sizes])
        if (root / name).exists():
            return root / name, True
        _need(sum(size for _, size in sizes), archive, root)
        with WholeFolder(root / name) as part:
            _extract(archive, part)
            _lift(part, name)
    except UserError:
        raise
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; a wrong checksum of gzip has none
            raise
        raise UserError(f"{archive} cannot be unpacked ({' '.join(str(error).split()) or type(error).__name__}). "
                        "Get it again.") from None
    return root / name, False


def _sizes(archive):
    """[(name, bytes when unpacked)] of all that an archive holds; no library unpacks more of a member than that."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            return [(member.filename, member.file_size) for member in file.infolist()]
    with tarfile.open(archive) as file:
        return [(member.name, member.size if member.isfile() else 0) for member in file]


def _need(total, archive, root):
    """Raise UserError where the disk that ``root`` is on, or will be, has no room for ``total`` bytes."""
    place = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if total > free:
        raise UserError(f"{archive} is {total / 1e9:.1f} GB when unpacked, and {root} has room for {free / 1e9:.1f} GB. "
                        "Make room, or name another disk with --data-root.")


def _folder_name(archive, names):
    """The one folder that holds everything, else the archive's name without its suffix."""
    tops = {name.lstrip("./").split("/")[0] for name in names} - {"", "__MACOSX"}
    if not tops:
        raise ValueError("it is empty")
    whole = all("/" in name.strip("./") or name.endswith("/") for name in names if name.strip("./") in tops)
    if len(tops) == 1 and whole:
        return tops.pop()
    suffix = next(suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if archive.lower().endswith(suffix))
    return archive[:-len(suffix)]


def _extract(archive, folder):
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        return
    with tarfile.open(archive) as file:
        if not hasattr(tarfile, "data_filter"):
            raise ValueError("this Python has no safe way to unpack tar files; 3.9.17, 3.10.12 or newer have")
        file.extractall(folder, filter="data")
        while file.fileobj.read(AT_ONCE):  # to the checksum at the end of what is compressed
            pass


def _lift(folder, name):
    """Where all lies in one folder ``name``, its content is what counts."""
    shutil.rmtree(folder / "__MACOSX", ignore_errors=True)
    inner = folder / name
    if inner.is_dir() and len(list(folder.iterdir())) == 1:
        inner = inner.rename(folder / ".lifted")
        for entry in list(inner.iterdir()):
            entry.rename(folder / entry.name)
        inner.rmdir()


def main(argv=None):
    parser = CommandLine(prog="python -m bgmatting unpack", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="PLACE", help="archives, or folders to look for archives in")
    parser.add_argument("--data-root", help="folder of datasets (default: $DATA_ROOT, else data/ of this project)")
    args = parser.parse_args(argv)
    root = args.data_root or os.environ.get("DATA_ROOT") or USUAL_ROOT
    wanted = archives(args.places)
    for archive in wanted:
        folder, before = unpack(archive, root)
        print(f"{archive}  ->  {folder}" + ("  (there already)" if before else ""), flush=True)
    if not wanted:
        print(f"no archives in {', '.join(args.places)}.")


if __name__ == "__main__":
    run_main(main)
