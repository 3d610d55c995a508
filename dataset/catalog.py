"""Names to datasets: configs/datasets.yml says where each lies and how it is laid out.

    python -m bgmatting datasets [--data-root DIR] [--catalog FILE]      # what is there, with counts

Where no real set is there at all, ``catalog_or_sample`` takes generated sample data. Backgrounds may also be a folder of
photos, the sample backgrounds, or a colour: ``Catalog.add_backgrounds``.
"""
from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bgmatting.dataset.catalog_file import other_form, read_entries
from bgmatting.dataset.layouts import BACKGROUND_LAYOUTS, PAIR_LAYOUTS
from bgmatting.dataset.layouts.lists import Listed, listed_pictures
from bgmatting.dataset.layouts.photo_foregrounds import EstimateForeground
from bgmatting.dataset.layouts.pictures import read_listed
from bgmatting.dataset.layouts.sets import BackgroundSet, ColourSet, PairSet
from bgmatting.dataset.locating import find_form, known_name
from bgmatting.dataset.splits import check_disjoint, part_of
from bgmatting.media.colours import colour_of
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.files import PROJECT, WORKPLACE

USUAL_ROOT = WORKPLACE / "data"
SAMPLE_SETS = PROJECT / "configs" / "sample.yml"
SAMPLE = "sample"                                  # the word for generated backgrounds
COLOUR = "colour"                                  # layout of a plain background
OWN, OWN_BACKGROUNDS = "own", "own backgrounds"    # names of sets that are given as folders
OWN_PARTS = {"train": 0.9, "valid": 0.1}           # where they have no split folders


class Catalog:
    """The datasets of one catalogue file under one data folder.

    Args:
        entries: {name: entry} as ``read_entries`` returns it.
        root: the folder that relative paths are looked for in.
        source: the catalogue file, named in messages.
        sample_root: where sample data lies or will be generated; default data/sample of this project.
        cache_root: where foregrounds estimated from photos are kept; default data/cache of this project.
        named_by: what named the root ("--data-root", "DATA_ROOT"), or None for the usual place.
    """

    def __init__(self, entries: dict, root: str | Path, source: str | Path, sample_root: str | Path | None = None,
                 cache_root: str | Path | None = None, named_by: str | None = None):
        self._entries = dict(entries)
        self.root = Path(root).expanduser()
        self.source = Path(source)
        self.sample_root = Path(sample_root or WORKPLACE / "data" / "sample")
        self.cache_root = Path(cache_root or WORKPLACE / "data" / "cache")
        self.named_by = named_by
        self._found = {}   # {name: (folder, form)}
        self._listed = {}  # a large set takes seconds to list, and a run asks for it several times

    @property
    def names(self) -> list[str]:
        """All dataset names, in the order of the file."""
        return list(self._entries)

    def splits(self, name: str) -> list[str]:
        """The splits of a dataset, such as ['train', 'valid']."""
        form = self._place(name)[1]
        return list(form.get("splits") or form["parts"])

    def where(self, name: str) -> Path | None:
        """The folder a dataset lies in, or would be looked for in; None where its `path` is left empty."""
        return self._place(name)[0]

    def available(self, name: str) -> bool:
        """True where the dataset's folder exists."""
        folder = self.where(name)
        return folder is not None and folder.is_dir()

    def is_real(self, name: str) -> bool:
        """True where the dataset is there, and neither a plain colour nor the sample backgrounds."""
        return self.available(name) and name != SAMPLE and self._entry(name)["layout"] != COLOUR

    def holds_pairs(self, name: str) -> bool:
        """True for a set of fgr and pha, False for one of backgrounds."""
        return self._entry(name)["layout"] in PAIR_LAYOUTS

    def holds_photos(self, name: str) -> bool:
        """True for a set of photos with a scene behind the subject; see `photo` at the head of configs/datasets.yml."""
        return bool(self._place(name)[1].get("photo"))

    def photos(self, name: str, split: str) -> PairSet:
        """``pairs`` of a set of photos, with the photos as they are in place of foregrounds; PyMatting is not needed.

        Where the lines of a list name backgrounds, an item is a line, and its photo is composed as the line says.
        """
        lines = self.listed(name, split)
        if lines and any(line.bgr for line in lines):
            return PairSet([line.name for line in lines], [tuple(filter(None, line[1:4])) for line in lines], read_listed)
        return self._part(name, split, lambda folders: self._read_pairs(name, folders))

    def listed(self, name: str, split: str) -> list[Listed] | None:
        """The lines of a split's list file (``dataset.layouts.lists``), or None where it has none."""
        self.require(name, split)
        folder, form = self._place(name)
        folders = form.get("splits", {}).get(split)
        return listed_pictures(folder, folders) if isinstance(folders, dict) and {"fgr", "list"} <= set(folders) else None

    def pairs(self, name: str, split: str, unpaired: list | None = None, unread: list | None = None) -> PairSet:
        """The ``PairSet`` of one split.

        Args:
            unpaired: None, or a list that takes the files without a partner; they are an error otherwise.
            unread: None, or a list that takes the OSErrors over folders that cannot be listed; likewise.
        Raises UserError: no such dataset or split, no pairs in it, its files are missing or unpaired, or it holds photos
            and PyMatting is not installed.
        """
        if not self.holds_pairs(name):
            raise UserError(f"{name} holds backgrounds, not foreground and alpha pairs."
                            + suggest(name, [n for n in self.names if self.holds_pairs(n)]))
        return self._open(name, split, unpaired, unread)

    def backgrounds(self, name: str, split: str, unread: list | None = None) -> BackgroundSet | ColourSet:
        """The ``BackgroundSet`` of one split. ``unread`` and what it raises: see ``pairs``."""
        if self.holds_pairs(name):
            raise UserError(f"{name} holds foreground and alpha pairs, not backgrounds."
                            + suggest(name, [n for n in self.names if not self.holds_pairs(n)]))
        return self._open(name, split, unread=unread)

    def split(self, name: str, split: str) -> PairSet | BackgroundSet | ColourSet:
        """``pairs`` or ``backgrounds``, whichever the dataset holds."""
        return self.pairs(name, split) if self.holds_pairs(name) else self.backgrounds(name, split)

    def names_are_subjects(self, name: str) -> bool:
        """True where the same name in two splits means the same subject; see the head of configs/datasets.yml."""
        return self._entry(name).get("names_are_subjects", True)

    def backgrounds_each(self, name: str) -> int:
        """On how many backgrounds an evaluation composes each foreground of a set."""
        return self._entry(name).get("backgrounds_each", 1)

    def check_disjoint(self, name: str, split: str, other: str) -> None:
        """Raise UserError where two splits of a dataset share a subject or a background, as far as names tell."""
        if self.names_are_subjects(name):
            listed = self.photos if self.holds_photos(name) else self.split  # names are enough
            apart = name in (OWN, OWN_BACKGROUNDS) and len(set(map(str, self._entry(name).get("splits", {}).values()))) > 1
            check_disjoint(listed(name, split), listed(name, other), f"{name}: {split} and {other}", numbers=not apart)

    def name_of(self, name: str) -> str:
        """A dataset's name as the catalogue writes it: case, hyphens and words such as _JPEG_SD do not matter.

        Raises UserError: no such dataset, or several that may be meant.
        """
        if name not in self._entries:
            self._add_backgrounds(str(name))
        return known_name(name, self._entries, self.source)

    def add_own(self, folders: dict[str, str | None]) -> None:
        """Add the sets ``OWN`` and ``OWN_BACKGROUNDS`` of folders that are named directly.

        Args:
            folders: paths for "fgr", "pha", "bgr", "valid_fgr", "valid_pha", "valid_bgr"; None or absent for none. Without
                pha, fgr are cut-outs; without folders for validation a tenth of the subjects is kept for it.
        Raises UserError: a folder is missing, or a matte without its foregrounds.
        """
        given = {key: os.path.abspath(os.path.expanduser(path)) for key, path in folders.items() if path}
        for key, path in given.items():
            if not os.path.isdir(path):
                raise UserError(f"no such folder for {key}: {path}. Check the path.")
        for pha, fgr in (("pha", "fgr"), ("valid_pha", "valid_fgr"), ("valid_fgr", "fgr"), ("valid_bgr", "bgr")):
            if pha in given and fgr not in given:
                raise UserError(f"a folder is given for {pha} and none for {fgr}. Name both.")
        if ("valid_pha" in given) != ("pha" in given) and "valid_fgr" in given:
            raise UserError("folders for pha and valid_pha go together. Name both; or neither for cut-outs.")
        if "fgr" in given:
            layout = "fgr_pha_folders" if "pha" in given else "rgba_folder"
            train, valid = ({kind: given.get(prefix + kind) for kind in ("fgr", "pha")} for prefix in ("", "valid_"))
            if "pha" not in given:
                train, valid = train["fgr"], valid["fgr"]
            self._add(OWN, layout, given["fgr"], train, valid, "valid_fgr" in given)
        if "bgr" in given:
            self._add(OWN_BACKGROUNDS, "backgrounds", given["bgr"], given["bgr"], given.get("valid_bgr"),
                      "valid_bgr" in given)

    def _add(self, name, layout, path, train, valid, divided):
        entry = {"layout": layout, "path": path}
        self._entries[name] = {**entry, "splits": {"train": train, "valid": valid}} if divided else \
            {**entry, "folders": train, "parts": OWN_PARTS}

    def _add_backgrounds(self, word):
        """Add backgrounds that are no set of the catalogue: the absolute path of a folder, ``SAMPLE``, or a colour."""
        if word == SAMPLE:
            folder = self.sample_root / "Backgrounds"
            if not folder.is_dir():
                _generate(self.sample_root)
            self._entries[word] = {**read_entries(SAMPLE_SETS)["Backgrounds"], "path": str(folder)}
        elif os.path.isabs(word):
            self._entries[word] = {"layout": "backgrounds", "path": word, "splits": {"test": "."}}
        elif colour_of(word) is not None:
            self._entries[word] = {"layout": COLOUR, "path": str(PROJECT), "names_are_subjects": False,
                                   "splits": dict.fromkeys(("train", "valid", "test"), word)}

    def _entry(self, name):
        return self._entries[self.name_of(name)]

    def _place(self, name):
        """(folder or None, entry): where a dataset lies, and its entry in the form that it has there."""
        name = self.name_of(name)
        entry = self._entries[name]
        if entry["path"] is None:
            return None, entry
        if name not in self._found:  # what is absent may be generated later
            found = find_form(self.root, [entry, *(other_form(entry, other) for other in entry.get("also", ()))])
            if found is None:
                return self.root / Path(entry["path"]).expanduser(), entry
            self._found[name] = found
        return self._found[name]

    def require(self, name: str, split: str) -> None:
        """Raise UserError unless the dataset has this split and its folder exists."""
        if split not in self.splits(name):
            raise UserError(f"{name} has no split '{split}'.{suggest(split, self.splits(name))}")
        folder = self.where(name)
        if folder is None:
            raise UserError(f"{name} has no path yet. Fill in its `path` in {self.source}.")
        if not folder.is_dir():
            raise UserError(f"{name} is not at {folder}. Put it there, name the folder of datasets with --data-root "
                            f"or DATA_ROOT, or correct its `path` in {self.source}.")

    def _open(self, name, split, unpaired=None, unread=None):
        self.require(name, split)
        if unpaired is not None or unread is not None:
            return self._list(name, split, unpaired, unread)
        if (name, split) not in self._listed:
            self._listed[name, split] = self._list(name, split)
        return self._listed[name, split]

    def _list(self, name, split, unpaired=None, unread=None):
        return self._part(name, split, lambda folders: self._read_layout(name, folders, unpaired, unread))

    def _part(self, name, split, read):
        form = self._place(name)[1]
        if "splits" in form:
            return read(form["splits"][split])
        whole = read(form["folders"])
        subjects = whole.subjects
        parts = part_of(subjects, form["parts"], name)
        return whole.subset(i for i, subject in enumerate(subjects) if parts[subject] == split)

    def _read_layout(self, name, folders, unpaired, unread):
        folder, form = self._place(name)
        if form["layout"] == COLOUR:
            return ColourSet(colour_of(folders))
        if not self.holds_pairs(name):
            return BACKGROUND_LAYOUTS[form["layout"]](folder, folders, unread)
        pairs = self._read_pairs(name, folders, unpaired, unread)
        if not form.get("photo"):
            return pairs
        return PairSet(pairs.names, pairs.files, EstimateForeground(pairs.read, self.cache_root / "fgr"))

    def _read_pairs(self, name, folders, unpaired=None, unread=None):
        folder, form = self._place(name)
        return PAIR_LAYOUTS[form["layout"]](folder, folders, unpaired, unread)


def open_catalog(path: str | Path | None = None, data_root: str | Path | None = None,
                 sample_root: str | Path | None = None, folders: dict[str, str | None] | None = None) -> Catalog:
    """Open a catalogue file.

    Args:
        path: the file; default configs/datasets.yml of this project, from whichever folder it is called.
        data_root: the folder of datasets; default $DATA_ROOT, else data/ of this project.
        sample_root: where sample data lies or will be generated; default data/sample of this project.
        folders: as ``Catalog.add_own``, or None.
    Raises UserError: the file is missing, or says something the catalogue does not know, or as ``Catalog.add_own``.
    """
    path = path or PROJECT / "configs" / "datasets.yml"
    named_by = "--data-root" if data_root else "DATA_ROOT" if os.environ.get("DATA_ROOT") else None
    root = data_root or os.environ.get("DATA_ROOT") or USUAL_ROOT
    catalog = Catalog(read_entries(path), root, path, sample_root, named_by=named_by)
    catalog.add_own(folders or {})
    return catalog


def catalog_or_sample(names: Iterable[str], data_root: str | None = None, sample_root: str | None = None,
                      folders: dict[str, str | None] | None = None) -> Catalog:
    """The catalogue that has all of ``names``, else, where no real set is there at all, that of the generated sample data.

    Args:
        names: the datasets that are needed; backgrounds also as ``Catalog.add_backgrounds`` takes them.
        data_root, sample_root, folders: as ``open_catalog``.
    Raises UserError: as ``open_catalog`` and ``all_there``, or there is neither the set itself nor sample data for it.
    """
    catalog = open_catalog(data_root=data_root, sample_root=sample_root, folders=folders)
    names = [catalog.name_of(name) for name in names]
    if all_there(catalog, names):
        return catalog
    absent = [name for name in dict.fromkeys(names) if not catalog.available(name)]
    sample = sample_catalog(catalog.sample_root)
    unknown = [name for name in absent if name not in sample.names or sample.where(name) is None]
    if unknown:
        raise UserError(f"{unknown[0]} is not at {catalog.where(unknown[0]) or 'any path yet'}, and there is no sample "
                        f"data for it. Put the set there or set its `path` in {catalog.source}.")
    print(f"Not under {catalog.root}: {', '.join(absent)}. Using generated sample data in {sample.root} instead.",
          flush=True)
    if not all(sample.available(name) for name in names):
        _generate(sample.root)
    return sample


def all_there(catalog: Catalog, names: Iterable[str]) -> bool:
    """True where all of ``names`` are there, False where generated sample data may be taken for all of them.

    Generated data never stands in for real data: not for a set that lacks its partner, not beside other sets that are
    there, and not in a folder that the user named.

    Raises UserError: some sets are absent, and sample data may not be taken; names the absent ones and what to do.
    """
    names = list(dict.fromkeys(names))
    absent = [name for name in names if not catalog.available(name)]
    if not absent:
        return True
    if catalog.root.resolve() == catalog.sample_root.resolve():
        return False
    found = [name for name in (*names, *catalog.names) if catalog.is_real(name)]
    if not found and catalog.named_by is None:
        return False
    places = ", ".join(f"{name} ({catalog.where(name) or 'no path yet'})" for name in absent)
    if found:
        what = f"{places} not found, though there is {', '.join(dict.fromkeys(found))}"
    else:
        what = f"{catalog.named_by} names {catalog.root}, but what is needed is not there: {places}"
    cure = f"Put the set there, name the folder that holds it (--data-root), correct its `path` in {catalog.source}"
    if all(not catalog.holds_pairs(name) for name in absent):
        cure += (f", or take other backgrounds: --background-dir FOLDER of photos, --background-name {SAMPLE} (generated), "
                 "--background-name '#808080' (a colour)")
    raise UserError(f"{what}. {cure}. For generated sample data alone: --data-root {catalog.sample_root}.")


def sample_catalog(sample_root: str | Path) -> Catalog:
    """The catalogue of the generated sample data in ``sample_root``, which need not have been generated yet."""
    return Catalog(read_entries(SAMPLE_SETS), sample_root, SAMPLE_SETS, sample_root)


def _generate(root):
    from bgmatting.dataset.generate import write_sample_data  # needed on a fresh machine only
    write_sample_data(root)
