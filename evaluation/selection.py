"""From names to a benchmark: which foregrounds on which backgrounds under which protocol, or a folder composed before."""
from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bgmatting.dataset.catalog import catalog_or_sample, open_catalog
from bgmatting.evaluation.protocols import find_protocol
from bgmatting.evaluation.testset.composed import EvaluationSet
from bgmatting.evaluation.testset.folder import FolderSet
from bgmatting.evaluation.testset.photos import PhotoTestSet
from bgmatting.utils.errors import UserError

# What a folder's manifest keeps of where its images come from.
ORIGIN = ("dataset", "split", "backgrounds", "backgrounds_split", "backgrounds_each", "sample_data", "seed")


class Benchmark(NamedTuple):
    """Images to measure on.

    Attributes:
        items: sequence of ``evaluation.testset.composed.EvalItem`` with ``names``.
        protocol: ``evaluation.protocols.Protocol``, with what the caller changed in it.
        facts: dict of where the images come from, for results.json.
    """
    items: Any
    protocol: Any
    facts: dict


def composed(dataset: str, background: str, protocol: str | None = None, changes: dict | None = None,
             data_root: str | None = None, split: str | None = None, seed: int = 0, limit: int | None = None,
             each: int | None = None, sequences: bool = False, folders: dict[str, str | None] | None = None) -> Benchmark:
    """Compose foregrounds on backgrounds of the catalogue, or of generated sample data where these are absent.

    Args:
        dataset: a name in configs/datasets.yml.
        background: such a name, "sample" for generated ones, the absolute path of a folder of photos, or a colour.
        protocol: its name; None: "paper", and "sample" on sample data.
        changes: {attribute of the protocol: value, or None}.
        data_root: folder of the datasets.
        split: of both sets; None, or backgrounds without this split: "test" where there is one, else "valid".
        seed, limit, each: of ``EvaluationSet``; ``each`` None: what the catalogue says for the set, else 1.
        sequences: the foregrounds are frames of clips.
        folders: as ``dataset.catalog.Catalog.add_own``, of sets that are named "own" and "own backgrounds"; or None.
    Raises UserError: as the catalogue, ``EvaluationSet`` and ``find_protocol`` do.
    """
    if protocol is not None and find_protocol(protocol).listed:
        as_it_is = _listed(dataset, split, open_catalog(data_root=data_root, folders=folders), protocol, changes, limit)
        if as_it_is is not None:
            return as_it_is
    catalog = catalog_or_sample([dataset, background], data_root, folders=folders)
    dataset, background = catalog.name_of(dataset), catalog.name_of(background)
    sample = catalog.root == catalog.sample_root
    chosen = find_protocol(protocol or ("sample" if sample else "paper")).changed(**changes or {})
    chosen = chosen.changed(sequences=sequences and chosen.family == "whole")
    splits = [split or _test_split(catalog, dataset),
              split if split in catalog.splits(background) else _test_split(catalog, background)]
    if each is None:
        each = catalog.backgrounds_each(dataset)
    items = EvaluationSet(catalog.pairs(dataset, splits[0]), catalog.backgrounds(background, splits[1]), chosen.size, seed,
                          chosen.disturb, limit, each, sequences, chosen.noise, chosen.trimap, chosen.placement)
    if sequences and not _are_frames(items.names):
        raise UserError(f"{dataset} holds no sequences: --sequences needs names such as CLIP/FRAME.")
    facts = {"dataset": dataset, "split": splits[0], "backgrounds": background, "backgrounds_split": splits[1],
             "backgrounds_each": each, "sample_data": sample, "seed": seed, "size": chosen.size,
             "disturb": chosen.disturb, "limit": limit}
    return Benchmark(items, chosen, facts)


def _listed(dataset, split, catalog, protocol, changes, limit):
    """The ``Benchmark`` of a set as it is, or None where it is not there, or has neither photos nor a list of its own."""
    for name, flag in (("size", "--size"), ("disturb", "--no-disturb"), ("noise", "--noise")):
        if (changes or {}).get(name) is not None:
            raise UserError(f"{flag} is for sets that are composed; the protocol {protocol} takes the images as they are. "
                            "Leave it out.")
    if not catalog.available(dataset):
        return None
    dataset, split = catalog.name_of(dataset), split or _test_split(catalog, dataset)
    pictures = catalog.listed(dataset, split)
    if pictures is None and catalog.holds_photos(dataset):
        pictures = catalog.photos(dataset, split)
    if pictures is None:
        return None
    chosen = find_protocol(protocol).changed(**{**(changes or {}), "size": "original"})
    facts = {"dataset": dataset, "split": split, "sample_data": False, "size": None, "disturb": False, "limit": limit}
    return Benchmark(PhotoTestSet(pictures, chosen.trimap, limit=limit), chosen, facts)


def from_folder(folder: str | Path, protocol: str | None = None, changes: dict | None = None, limit: int | None = None,
                sequences: bool | None = None) -> Benchmark:
    """A benchmark that lies composed in a folder (``evaluation.testset.folder``).

    Args:
        folder, limit: of ``FolderSet``.
        protocol: its name; None: that of the folder's manifest, else "paper".
        changes: as for ``composed``, of what is not fixed by the images.
        sequences: whether names are CLIP/FRAME; None: True where all names have a folder in them.
    Raises UserError: as ``FolderSet`` and ``find_protocol`` do.
    """
    items = FolderSet(folder, limit=limit)
    manifest = items.manifest or {"protocol": {}}
    made_by = manifest["protocol"]
    chosen = find_protocol(protocol or made_by.get("name", "paper"))
    # The images are made.
    chosen = chosen.changed(**{key: made_by.get(key) for key in ("size", "disturb", "noise", "placement")})
    if chosen.name == made_by.get("name"):
        chosen = chosen.changed(trimap=made_by["trimap"])
    if sequences and not _are_frames(items.names):
        raise UserError(f"{folder} holds no sequences: --sequences needs names such as CLIP/FRAME.")
    clips = _are_frames(items.names) if sequences is None else sequences
    chosen = chosen.changed(**changes or {})
    chosen = chosen.changed(sequences=clips and chosen.family == "whole")
    items.use_trimap(chosen.trimap)
    facts = {"folder": str(folder), **{key: manifest[key] for key in ORIGIN if key in manifest},
             "size": made_by.get("size"), "disturb": made_by.get("disturb"), "limit": limit}
    return Benchmark(items, chosen, facts)


def _are_frames(names):
    return all("/" in name for name in names)


def _test_split(catalog, name):
    return "test" if "test" in catalog.splits(name) else "valid"
