"""Layouts of image files. Listing a set opens no image."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from bgmatting.dataset.layouts.lists import listed_names
from bgmatting.dataset.layouts.mattes import check_matte, is_jpeg, read_pha
from bgmatting.dataset.layouts.pairing import check_sizes, files_by_name, names_below, pair_up
from bgmatting.dataset.layouts.sets import BackgroundSet, PairSet
from bgmatting.media import read_image, read_rgba
from bgmatting.media.operations import blend, resize


def fgr_pha_folders(root: str | Path, folders: dict[str, str], unpaired: list | None = None,
                    unread: list | None = None) -> PairSet:
    """Two parallel trees, paired by path without suffix: VideoMatte240K, Distinctions-646, Composition-1k, PPM-100.

    Args:
        folders: {"fgr": folder, "pha": folder} below ``root``; with "list" a text file below ``root`` whose lines
            begin with the foregrounds to take (see ``dataset.layouts.lists``).
        unpaired, unread: see ``dataset.layouts.pairing``.
    Raises UserError: a folder or the list is missing or empty, the list names what is not there, or an image has no
        partner.
    """
    fgr_root, pha_root = Path(root, folders["fgr"]), Path(root, folders["pha"])
    fgr, pha = files_by_name(fgr_root, unread), files_by_name(pha_root, unread)
    if "list" in folders:
        wanted = listed_names(Path(root, folders["list"]), 0, folders["fgr"], fgr)
        fgr, pha = ({name: files[name] for name in wanted if name in files} for files in (fgr, pha))
    names = pair_up(fgr_root, fgr, pha_root, pha, unpaired)
    return PairSet(names, [(fgr[name], pha[name]) for name in names], read_fgr_pha, sizes=True)


def rgba_folder(root: str | Path, folder: str, unpaired: list | None = None, unread: list | None = None) -> PairSet:
    """A tree of RGBA images, any nesting; colour is fgr and transparency is pha: PhotoMatte85.

    Nothing can be without a partner here, so ``unpaired`` is left alone. Raises as ``fgr_pha_folders``.
    """
    files = files_by_name(Path(root, folder), unread)
    return PairSet(files, [(file,) for file in files.values()], read_cutout)


def backgrounds(root: str | Path, folder: str | dict[str, str], unread: list | None = None) -> BackgroundSet:
    """A tree of photographs, any nesting: Backgrounds, BG-20k.

    Args:
        folder: a folder below ``root``; or {"bgr": folder, "list": file}, where the second word of each line of the
            list names an image to take: the backgrounds of Composition-1k.
        unread: see ``dataset.layouts.pairing.names_below``.
    Raises UserError: the folder or the list is missing or empty, the list names what is not there, or in a folder with a
        list two files differ in nothing but the suffix.
    """
    if isinstance(folder, str):
        return BackgroundSet(Path(root, folder), names_below(Path(root, folder), unread))
    path = Path(root, folder["bgr"])
    files = files_by_name(path, unread)
    wanted = listed_names(Path(root, folder["list"]), 1, folder["bgr"], files)
    return BackgroundSet(path, [Path(files[name]).relative_to(path).as_posix() for name in wanted])


def read_fgr_pha(fgr_file: str, pha_file: str, least: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read fgr uint8 RGB (H, W, 3) and pha uint8 (H, W).

    ``least``: see ``media.read_image``. It counts where both are JPEG, so that both come out at one size.
    Raises UserError: unreadable, of different size, or the alpha is a mask of other units than 0 to 255.
    """
    if least is not None and not (is_jpeg(fgr_file) and is_jpeg(pha_file)):
        least = None
    fgr, pha = read_image(fgr_file, least), read_pha(pha_file, least)
    check_sizes(pha, pha_file, fgr, fgr_file)
    return fgr, pha


def read_cutout(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """``media.read_rgba``, the alpha checked. Raises as that, and where the alpha is a mask of other units than 0 to 255."""
    fgr, pha = read_rgba(file)
    check_matte(pha, file)
    return fgr, pha


def read_listed(fgr_file: str, pha_file: str, bgr_file: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(photo, pha): uint8 RGB (H, W, 3) and uint8 (H, W); the photo is composed where a line names a background.

    Raises UserError: a file cannot be read, or fgr and pha are of different size.
    """
    fgr, pha = read_fgr_pha(fgr_file, pha_file)
    return (fgr if bgr_file is None else blend(fgr, pha, behind(read_image(bgr_file), pha.shape))), pha


def behind(bgr: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A background (H, W, 3) for an image of ``size`` (height, width): enlarged where it is smaller, and cut at the right
    and the bottom, as PaddleSeg's Matting does."""
    scale = max(whole / side for whole, side in zip(size, bgr.shape))
    if scale > 1:
        bgr = resize(bgr, *(max(whole, round(side * scale)) for whole, side in zip(size, bgr.shape)))
    return bgr[:size[0], :size[1]].copy()
