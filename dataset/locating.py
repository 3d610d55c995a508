"""Where a set lies below the folder of datasets: under which of the names and forms that people have it in.

Names are compared without case, hyphens and the words people append (``core``). A folder that unpacking put into another of
its own is looked into. A set is taken in the first of its forms whose folders are there.
"""
from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from bgmatting.media.files import is_system
from bgmatting.utils.errors import UserError, suggest

# What is appended to a set's name and says nothing about which set it is.
APPENDED = {"jpeg", "jpg", "png", "sd", "hd", "4k", "eval", "test", "dataset", "data", "person", "people", "human", "humans",
            "master", "main"}


def core(name: str) -> str:
    """The telling part of a set's name: "VideoMatte240K_JPEG_SD" and "videomatte-240k" are "videomatte240k"."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "".join([word for word in words if word not in APPENDED] or words)


def known_name(name: str, known: Iterable[str], source: str | Path) -> str:
    """``name`` as the catalogue writes it.

    Args:
        name: as a person writes it.
        known: the names of the catalogue; source: its file, for the message.
    Raises UserError: none of them is meant, or several may be.
    """
    if name in known:
        return name
    meant = [other for other in known if core(other) == core(str(name))]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UserError(f"the dataset '{name}' may be {' or '.join(meant)}; write which.")
    raise UserError(f"no dataset '{name}' in {source}.{suggest(name, known)}")


def find_form(root: Path, forms: list[dict]) -> tuple[Path, dict] | None:
    """The first form of a set that is there.

    Args:
        root: the folder of datasets.
        forms: entries of the catalogue, each with ``path`` (text) and either ``splits`` or ``folders``.
    Returns:
        (folder, form): the set's folder, and the form with its folders as they are spelt there. Where no form is there but a
        folder of the set's name is, that and the first form; else None.
    """
    places = [place for path in dict.fromkeys(form["path"] for form in forms) for place in _places(Path(root), path)]
    for form in forms:
        for place in dict.fromkeys(places):
            spelt = _spelt(place, form)
            if spelt is not None:
                return place, spelt
    return (places[0], forms[0]) if places else None


def _places(root, path):
    """Folders that ``path`` may mean, the likeliest first: itself, one of another spelling, and one inside of either."""
    exact = root / Path(path).expanduser()
    places = [exact] if exact.is_dir() else []
    if "/" not in path.strip("/"):
        places += [root / name for name in _folders(root) if core(name) == core(path)]
    for place in list(places):
        inner = _folders(place)
        places += [place / name for name in inner if len(inner) == 1 or core(name) == core(path)]
    return places


def _spelt(place, form):
    """``form`` with its folders as they are spelt in ``place``; None where those of no split are there."""
    if "splits" in form:
        spelt = {split: _spelt_folders(place, folders) for split, folders in form["splits"].items()}
        if not any(spelt.values()):
            return None
        return {**form, "splits": {split: spelt[split] or folders for split, folders in form["splits"].items()}}
    folders = _spelt_folders(place, form["folders"])
    return None if folders is None else {**form, "folders": folders}


def _spelt_folders(place, folders):
    if isinstance(folders, str):
        return _child(place, folders)
    spelt = {key: _child(place, folder) if key != "list" else folder for key, folder in folders.items()}
    return None if None in spelt.values() else spelt


def _child(place, relative):
    """``relative`` as it is spelt below ``place``; None where it is not there."""
    if (place / relative).exists():
        return relative
    parts = []
    for part in Path(relative).parts:
        names = [name for name in _names(place.joinpath(*parts)) if name.lower() == part.lower()]
        if not names:
            return None
        parts.append(names[0])
    return "/".join(parts)


def _names(folder):
    try:
        return sorted(name for name in os.listdir(folder) if not is_system(name))
    except OSError:
        return []


def _folders(folder):
    return [name for name in _names(folder) if (folder / name).is_dir()]
