"""Kinds of files that people keep among their photos, which are not read here, and what makes images of them."""
from __future__ import annotations

import os

from bgmatting.media.files import VIDEO_SUFFIXES

RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".srw",
                ".3fr", ".iiq", ".rwl", ".x3f")
OTHER_KINDS = (
    ("raw photo", RAW_SUFFIXES, "export TIFF or JPEG with the camera's program, darktable or RawTherapee"),
    ("Photoshop document", (".psd", ".psb"), "export PNG or TIFF"),
    ("GIMP or Krita document", (".xcf", ".kra"), "export PNG or TIFF"),
    ("vector drawing", (".svg", ".svgz", ".eps", ".ai"), "export PNG, with Inkscape for one"),
    ("PDF file", (".pdf",), "make PNG of its pages: pdftoppm -png"),
    ("plate", (".exr", ".dpx"), "name it as a sequence, frame_####.exr for one"),
    ("image of high dynamic range", (".hdr",), "export TIFF of 16 bits"),
    ("JPEG XL file", (".jxl",), "make PNG of it: djxl IN.jxl OUT.png"),
    ("JPEG 2000 file", (".jp2", ".j2k", ".jpx"), "make PNG of it: opj_decompress -i IN.jp2 -o OUT.png"),
    ("video", VIDEO_SUFFIXES, "name it alone as --src"))


def other_kind(name: str) -> tuple[str, str] | None:
    """(what a file is by its suffix, what to do with it); None for all that is none of ``OTHER_KINDS``."""
    suffix = os.path.splitext(name)[1].lower()
    return next(((kind, advice) for kind, suffixes, advice in OTHER_KINDS if suffix in suffixes), None)
