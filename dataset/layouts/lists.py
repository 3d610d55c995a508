"""List files: one item a line, `fg bg [trimap]` as in Composition-1k, or `fg` alone as in PPM-100.

A word is a path from the set's folder (train/fg/a.jpg) or from the folder of its kind (a.jpg). Words are divided by
blanks, or by `|` where a line has one; a list of one word a line may have blanks within the path. The suffix is not
compared, for people convert their files. What stands twice (Composition-1k lists each foreground with many
backgrounds) counts once.
"""
from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

from bgmatting.utils.errors import UserError, quote


def listed_names(path: Path, column: int, folder: str, names: Container[str]) -> list[str]:
    """The names that one column of a list file asks for.

    Args:
        path: the list file.
        column: 0 for the foreground, 1 for the background.
        folder: the folder of the listed pictures as the catalogue writes it, such as 'train/fg'.
        names: what is there: paths below ``folder`` without suffix.
    Returns names, sorted, each once.
    Raises UserError: the list is missing, is not text, has a line that is too short, or names what is not there.
    """
    prefix = "" if folder == "." else folder.rstrip("/") + "/"
    listed, missing = set(), []
    for number, line in list_lines(path):
        name = next((name for name in readings(line, column, prefix) if name in names), None)
        if name is not None:
            listed.add(name)
        elif len(words_of(line)) <= column:
            raise UserError(f"{path}, line {number}: expected at least {column + 1} words, such as "
                            f"`train/fg/a.jpg bg/b.jpg`. Correct the line, or take `list` out of the entry.")
        else:
            missing.append(f"line {number}: {line}")
    if missing:
        raise UserError(f"{path} names {len(missing)} picture(s) that are not in {folder} ({quote(missing)}). "
                        f"Add the files or take the lines out.")
    if not listed:
        raise UserError(f"{path} has no lines. Fill it, or take `list` out of the entry to use all pictures.")
    return sorted(listed)


def list_lines(path: Path) -> list[tuple[int, str]]:
    """[(number, text)] of the lines of a list file that are not empty. Raises UserError: it is missing, or no text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"no such list: {path}. Put it there, or take `list` out of the entry to use all "
                        f"pictures.") from None
    except (OSError, UnicodeDecodeError):
        raise UserError(f"cannot read the list {path}: expected a text file in UTF-8.") from None
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def words_of(line: str) -> list[str]:
    """The words of a line."""
    return [word.strip() for word in line.split("|")] if "|" in line else line.split()


def readings(line: str, column: int | None, prefix: str) -> Iterator[str]:
    """Possible meanings of a line: all of it, where a path has blanks, or the word of this column; None: all of it only."""
    for text in [line] + ([] if column is None else words_of(line)[column:column + 1]):
        path = text.replace("\\", "/")
        path = path[2:] if path.startswith("./") else path
        name = path[:path.rindex(".")] if "." in path.rsplit("/", 1)[-1] else path
        if name.startswith(prefix):
            yield name[len(prefix):]
        yield name
