"""Pairs of video files: a clip of foregrounds and a clip of alphas, frame by frame."""
from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import cv2

from bgmatting.dataset.layouts.mattes import check_matte
from bgmatting.dataset.layouts.pairing import pair_up
from bgmatting.dataset.layouts.sets import PairSet
from bgmatting.dataset.layouts.video_frames import FrameReader, count_frames
from bgmatting.media import VIDEO_SUFFIXES, list_image_names
from bgmatting.utils.errors import UserError


def video_pairs(root: str | Path, folders: dict[str, str], unpaired: list | None = None,
                unread: list | None = None) -> PairSet:
    """Videos of fgr and of pha with the same names, in two folders; or one pair of files. A clip is a subject.

    The header of each file is read to learn how many frames it has.

    Args:
        root: the dataset's folder.
        folders: {"fgr": folder or file, "pha": folder or file} below ``root``.
        unpaired, unread: see ``dataset.layouts.pairing``.
    Returns ``PairSet`` with names such as 'clip/00012'.
    Raises UserError: nothing there, a clip without a partner, an unreadable file, or two lengths in one pair.
    """
    fgr_root, pha_root = Path(root, folders["fgr"]), Path(root, folders["pha"])
    if fgr_root.is_file() and pha_root.is_file():
        clip = fgr_root.stem
        fgr, pha = {clip: os.fspath(fgr_root)}, {clip: os.fspath(pha_root)}
    else:
        fgr, pha = videos_by_name(fgr_root, unread), videos_by_name(pha_root, unread)
    names, files = [], []
    for clip in pair_up(fgr_root, fgr, pha_root, pha, unpaired):
        for frame in range(_common_length(fgr[clip], pha[clip])):
            names.append(f"{clip}/{frame:05d}")
            files.append((fgr[clip], pha[clip], frame))
    return PairSet(names, files, ReadVideoPair())


def videos_by_name(folder: str | Path, unread: list | None = None) -> dict[str, str]:
    """{path without suffix: file} of all videos below ``folder``. Raises UserError: none there, or two of one name."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of videos. Put the videos there or correct the path.")
    files = {}
    for relative in list_image_names(folder, VIDEO_SUFFIXES, unread=unread):
        path = folder / relative
        name = unicodedata.normalize("NFC", relative[:relative.rindex(".")])
        if name in files:
            raise UserError(f"{folder} has both {Path(files[name]).name} and {path.name}: which is meant? Remove one "
                            f"of them.")
        files[name] = os.fspath(path)
    if not files:
        raise UserError(f"{folder} holds no videos ({', '.join(VIDEO_SUFFIXES)}). Put some there or correct the path.")
    return files


class ReadVideoPair:
    """Reads one frame of two videos: (fgr_file, pha_file, frame) -> fgr uint8 RGB (H, W, 3), pha uint8 (H, W)."""

    def __init__(self):
        self._frames = FrameReader()

    def __call__(self, fgr_file, pha_file, frame):
        fgr = self._frames.read(fgr_file, frame)
        pha = cv2.cvtColor(self._frames.read(pha_file, frame), cv2.COLOR_RGB2GRAY)
        if fgr.shape[:2] != pha.shape:
            raise UserError(f"{pha_file} is {pha.shape[1]}x{pha.shape[0]} but its foreground {fgr_file} is "
                            f"{fgr.shape[1]}x{fgr.shape[0]}; both must have the same size.")
        check_matte(pha, f"{pha_file} frame {frame}", lossless=False)
        return fgr, pha


def _common_length(fgr_file, pha_file):
    fgr, pha = count_frames(fgr_file), count_frames(pha_file)
    if fgr != pha:
        raise UserError(f"{pha_file} has {pha} frames but its foreground {fgr_file} has {fgr}; both must have as many.")
    return fgr
