"""A composed benchmark in a folder: images that belong together, with the truth.

Either DIR/src/NAME.*, DIR/bgr/NAME.*, DIR/pha/NAME.* and, where known, DIR/fgr/NAME.* and DIR/trimap/NAME.*; or
DIR/NAME/src.*, DIR/NAME/bgr.* and so on. A NAME may have folders in it, such as CLIP/FRAME.
"""
from __future__ import annotations

import unicodedata
from pathlib import Path

from bgmatting.dataset.layouts.mattes import read_pha
from bgmatting.dataset.layouts.pairing import check_partners, check_sizes, files_by_name
from bgmatting.evaluation.testset.composed import EvalItem, ItemSet
from bgmatting.evaluation.testset.manifest import read_manifest
from bgmatting.evaluation.testset.trimap import read_given, trimap_of
from bgmatting.media import read_gray, read_image
from bgmatting.media.files import in_order
from bgmatting.utils.errors import UserError, quote

NEEDED, OPTIONAL = ("src", "bgr", "pha"), ("fgr", "trimap")
READ = {"src": read_image, "bgr": read_image, "fgr": read_image, "pha": read_pha, "trimap": read_given}


class FolderSet(ItemSet):
    """The items of such a folder, in the order of its manifest or of their names. ``set[i]`` reads item i as ``EvalItem``.

    Args:
        folder: the folder. Where it has a manifest.json (``evaluation.testset.manifest``), every file is compared with it
            first.
        trimap: the rule of ``evaluation.testset.trimap.TRIMAPS`` for trimaps. The folder's own are taken where the
            manifest says that they were made by this rule or came with the images, or where there is no manifest; "whole"
            only gives them to methods that need one.
        limit: use only the first so many items; None uses all.
    Raises UserError: the folder is missing, has neither form, lacks partners, or a file is not as the manifest says; the
        limit is below 1.
    """

    def __init__(self, folder: str | Path, trimap: str = "paper", limit: int | None = None):
        folder = Path(folder)
        self.manifest = read_manifest(folder)
        files = _files(folder)
        names = sorted(files["src"], key=in_order)
        if self.manifest is not None:  # a file system may have written the accents in its own way
            names = [unicodedata.normalize("NFC", name) for name in self.manifest["names"]]
        super().__init__(names, limit)
        if self.manifest is not None:
            _check_names(folder, self.names, files)
        self._files = files
        self.use_trimap(trimap)

    def use_trimap(self, rule: str) -> None:
        """Change the rule for trimaps."""
        self._trimap = rule
        self._read_trimap = "trimap" in self._files and (
            self.manifest is None or self.manifest["protocol"]["trimap"] in (rule, "whole"))

    def _make(self, index):
        name = self.names[index]
        kinds = [kind for kind in (*NEEDED, "fgr") if kind in self._files] + ["trimap"] * self._read_trimap
        # What was exported was checked where it came from; its noise, stored without loss, may look like a mask's numbers.
        readers = READ if self.manifest is None else {**READ, "pha": read_gray}
        read = {kind: readers[kind](self._files[kind][name]) for kind in kinds}
        for kind, image in read.items():
            check_sizes(image, self._files[kind][name], read["src"], self._files["src"][name])
        given = read.get("trimap")
        trimap = trimap_of(read["pha"], self._trimap) if given is None or self._trimap == "whole" else given
        return EvalItem(name, read["src"], read["bgr"], read["pha"], read.get("fgr"), trimap, given)


def _files(folder):
    """{kind: {name: file}} of either form."""
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}. Check the path.")
    kinds = [kind for kind in (*NEEDED, *OPTIONAL) if (folder / kind).is_dir()]
    if "src" not in kinds:
        return _one_folder_each(folder)
    for kind in NEEDED:
        if kind not in kinds:
            raise UserError(f"{folder} has a folder src but no folder {kind}; a benchmark needs src, bgr and pha.")
    files = {kind: files_by_name(folder / kind) for kind in kinds}
    for kind in kinds:
        check_partners(folder / "src", files["src"], folder / kind, files[kind])
    return files


def _one_folder_each(folder):
    files = {}
    for name, file in files_by_name(folder).items():
        item, _, kind = name.rpartition("/")
        if item and kind in (*NEEDED, *OPTIONAL):
            files.setdefault(kind, {})[item] = file
    if "src" not in files:
        raise UserError(f"{folder} is no benchmark: expected src, bgr and pha in it, or NAME/src.png, NAME/bgr.png and "
                        "NAME/pha.png for each image.")
    for kind in NEEDED:
        missing = [name for name in files["src"] if name not in files.get(kind, {})]
        if missing:
            raise UserError(f"{folder}: no {kind} beside the src of {len(missing)} images ({quote(missing)}).")
    complete = {kind: own for kind, own in files.items() if set(own) >= set(files["src"])}
    return {kind: {name: own[name] for name in files["src"]} for kind, own in complete.items()}


def _check_names(folder, names, files):
    missing = [name for name in names if name not in files["src"]]
    if missing:
        raise UserError(f"{folder} lacks {len(missing)} of the images its manifest lists ({quote(missing)}). "
                        "Copy or export it again.")
