"""Files and folders of images: what is there, reading it whole, replacing it whole."""
from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from bgmatting.media.formats import kind_of
from bgmatting.utils.errors import UserError

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe")
IMAGE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".tif", ".tiff", ".webp")
PHOTO_SUFFIXES = (*IMAGE_SUFFIXES, ".mpo", ".heic", ".heif", ".hif", ".heics", ".avif", ".avifs", ".gif",
                  ".apng")  # what people have beyond what data sets hold
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".mts", ".m2ts", ".ts",
                  ".3gp", ".3g2", ".ogv")
# What file servers and other systems keep in folders, beside what begins with a dot (.AppleDouble, .Trash-1000, ._a.jpg).
# Synology, QNAP and NetApp, Windows since 95, and macOS on disks of others; in lower case.
SYSTEM_NAMES = {"@eadir", "@tmp", "@recycle", "@__thumb", "@recently-snapshot", "@sharebin", "#recycle", "#snapshot",
                "~snapshot", "lost+found", "$recycle.bin", "recycler", "$extend", "found.000", "__macosx",
                "system volume information", "network trash folder", "temporary items", "thevolumesettingsfolder",
                "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"}
LARGEST_FILE = 2 ** 30  # bytes; no photo is as large, and it would have to be held whole


def list_images(folder: str | os.PathLike) -> list[Path]:
    """All images below ``folder``, any nesting, as sorted Paths. Hidden files and folders are passed over."""
    return [Path(folder, name) for name in list_image_names(folder)]


def list_image_names(folder: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES, others: list[str] | None = None,
                     unread: list | None = None) -> list[str]:
    """As ``list_images``, but as text relative to ``folder`` with '/' between the parts.

    Opens no file and asks the disk for nothing but folder listings, so a set of 240,000 frames is listed in a second.
    Links are followed; one that leads back to a folder above itself is passed over.

    Args:
        suffixes: tuple of the file name endings to list, in lower case.
        others: None, or a list that takes all other files, apart from those of other systems.
        unread: None, or a list that takes what was raised over folders below that cannot be listed: OSErrors with their path
            as ``filename``. The others are listed all the same.
    Raises:
        UserError: the folder is missing or may not be read; one below it, where ``unread`` is None.
    """
    names, missed = [], []
    _walk(os.fspath(folder), "", (os.path.realpath(folder),), suffixes, (names, others, missed))
    if missed and (unread is None or missed[0].filename == os.fspath(folder)):
        raise UserError(not_listed(missed[0]))
    if unread is not None:
        unread += missed
    return sorted(names)


def in_order(name: str) -> list:
    """Sort key by which frame 2 of a clip comes before frame 10: numbers count as such."""
    return [(int(part), part) if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", name)]


def not_listed(error: OSError) -> str:
    """The line about a folder over which ``error`` was raised."""
    return f"cannot list {error.filename}: {error.strerror or error}."


def is_system(name: str) -> bool:
    """Return whether a file or folder of this name is the system's business and no data: hidden, or of ``SYSTEM_NAMES``."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES  # Windows writes $RECYCLE.BIN and $Recycle.Bin


def read_bytes(path: str | os.PathLike) -> bytes:
    """The content of an image file. Raises UserError: it is missing, a folder, a video, no regular file, too large for a
    image, or may not be read."""
    path = Path(path)
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise UserError(f"{path} is a folder, not an image; name one file in it.")
        if not stat.S_ISREG(facts.st_mode):
            raise UserError(f"{path} is a device or pipe, not an image; name a file.")
        if path.suffix.lower() in VIDEO_SUFFIXES and not _is_picture(path):
            raise UserError(f"{path} is a video, not an image; name one image, such as a frame of it.")
        if facts.st_size > LARGEST_FILE:
            raise UserError(f"{path} has {facts.st_size / 2 ** 30:.1f} GiB; images have at most "
                            f"{LARGEST_FILE / 2 ** 30:.0f}.")
        return path.read_bytes()  # cv2.imread cannot open every non-ASCII path
    except FileNotFoundError:
        raise UserError(f"no such image: {path}. Check the path.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None


def _is_picture(path):
    with open(path, "rb") as file:
        return kind_of(file.read(64)) not in (None, "VIDEO")


def _walk(folder, prefix, above, suffixes, lists):
    names, others, missed = lists
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_system(entry.name):
                    continue
                if _says_yes(entry.is_dir):
                    real = os.path.realpath(entry.path)
                    if real not in above:
                        _walk(entry.path, f"{prefix}{entry.name}/", above + (real,), suffixes, lists)
                elif entry.name.lower().endswith(suffixes) and _says_yes(entry.is_file):
                    names.append(prefix + entry.name)
                elif others is not None:
                    others.append(prefix + entry.name)
    except OSError as error:  # also one that comes in the middle, from a share that went away
        error.filename = folder
        missed.append(error)


def _says_yes(question):
    """The answer of an entry of a folder; False for a link that leads in a circle or where nobody may look."""
    try:
        return question()
    except OSError:
        return False
