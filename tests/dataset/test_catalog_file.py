"""Every slip in a catalogue file is named."""
import os
import re

import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.utils.errors import UserError

WHOLE = "fgr: {layout: fgr_pha_folders, path: fgr, splits: {train: {fgr: a, pha: b}}}\n"


@pytest.mark.parametrize("text, words", [
    (WHOLE.replace("layout", "layuot"), "unknown key 'layuot'. Did you mean 'layout'"),
    (WHOLE.replace("fgr_pha_folders", "fgr_pha_folder"), "Did you mean 'fgr_pha_folders'"),
    (WHOLE.replace("fgr: a, ", ""), "splits: train: layout fgr_pha_folders needs {fgr: folder, pha: folder}"),
    (WHOLE.replace("path: fgr, ", ""), "`path` must be"),
    ("b: {layout: backgrounds, path: b}", "either `splits`, or `folders` and `parts`"),
    ("b: {layout: backgrounds, path: b, folders: ., parts: {train: 0.9, valid: 0.2}}", "add up to 1"),
    ("b: {layout: backgrounds, path: b, splits: {train: 3}}", "name of one folder"),
    ("b: {layout: backgrounds, path: b, splits: {train: {bgr: a, lst: b}}}", "or {bgr: folder, list: file}"),
    ("v: {layout: video_pairs, path: v, splits: {train: {fgr: a, pha: b, list: c}}}", "or a file each"),
    (WHOLE.replace("path", "photo: maybe, path"), "`photo` must be true or false"),
    ("r: {layout: rgba_folder, path: r, photo: true, splits: {test: .}}", "clean foregrounds"),
    ("r: {layout: rgba_folder, path: r, names_are_subjects: true, folders: ., parts: {a: 1}}", "goes with `splits`"),
    ("b: [unclosed", "not valid YAML"),
    ("b: &b [*b]", "stands for something around it"),
    ("a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [" + "*a, " * 99 + "*a]\nc: [" + "*b, " * 99 + "*b]",
     "more than 20000 values"),
    ("b: " + "[" * 30 + "]" * 30, "deeper than 20 levels"),
    ("5: {layout: backgrounds, path: b, splits: {train: a}}", "the dataset name 5 is no text"),
    (WHOLE.replace("path: fgr", "path: ''"), "`path` must be"),
    (WHOLE.replace("path: fgr", 'path: "a\\0b"'), "`path` must be"),
    (WHOLE.replace("fgr_pha_folders", "[a]"), "unknown layout ['a']"),
    (WHOLE.replace("train:", "1:"), "splits: the name 1 is no text"),
    (WHOLE.replace("fgr: a", "fgr: ''"), "splits: train: layout fgr_pha_folders needs"),
    (WHOLE.replace("path", "? [a, b]\n: c, path", 1), "not valid YAML"),
    (WHOLE.replace("path", "backgrounds_each: 100000, path"), "1000 at most"),
    ("b: {layout: backgrounds, path: b, folders: ., parts: {train: true}}", "add up to 1"),
    ("b: {layout: backgrounds, path: b, folders: ., parts: {train: .nan, valid: 1.0}}", "add up to 1"),
    ("b: {layout: backgrounds, path: b, folders: ., parts: {train: 1.5, valid: -0.5}}", "add up to 1"),
    ("b: {layout: backgrounds, path: b, folders: ., parts: {train: 1" + "0" * 400 + "}}", "add up to 1"),
    ("b: !!python/object/apply:os.getcwd []", "not valid YAML"),
    ("", "lists no datasets"),
    *((WHOLE.replace("path: fgr", f"path: fgr, also: {also}"), words) for also, words in (
        ("{path: b}", "`also` must be a list of forms"), ("[b]", "`also` must be a list of forms"),
        ("[{pth: b}]", "also: unknown key 'pth'"), ("[{path: null}]", "a form needs a path"),
        ("[{path: b, splits: {train: x}}]", "layout fgr_pha_folders needs"), ("[{photo: true}]", "unknown key 'photo'"),
        ("[{layout: backgrounds, splits: {train: x}}]", "holds pairs where the entry does"))),
    ("b:", "expected `layout`"),
])
def test_slips_in_the_file(tmp_path, text, words):
    (tmp_path / "bad.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        open_catalog(tmp_path / "bad.yml")
    assert words in str(error.value) and "bad.yml" in str(error.value) and "\n" not in str(error.value)


def test_a_catalogue_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "null", tmp_path / "none.yml"):
        with pytest.raises(UserError, match=re.escape(str(path))):
            open_catalog(path)
