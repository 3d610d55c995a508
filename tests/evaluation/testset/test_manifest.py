"""What a manifest may hold, and what files it may name."""
import json
import os

import numpy as np
import pytest

from bgmatting.evaluation.protocols import PROTOCOLS
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.folder import FolderSet
from bgmatting.evaluation.testset.manifest import export_set, read_manifest
from bgmatting.utils.errors import UserError

SUM = "0" * 64


def manifest(folder, **changes):
    content = {"format": 1, "names": ["a"], "files": {}, "protocol": {"trimap": "paper"}, **changes}
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize("path", ("/dev/zero", "../a.png", "src/../../a.png", "..\\a.png", "C:\\a.png", "C:a.png",
                                  "//host/a", "a\0b", ""))
def test_paths_stay_inside_the_folder(tmp_path, path):
    manifest(tmp_path, files={path: SUM})
    with pytest.raises(UserError, match="leads out of the folder"):
        read_manifest(tmp_path)
    manifest(tmp_path, names=[path])
    with pytest.raises(UserError, match="`names` must be a list of different names"):
        read_manifest(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate((1 << 30) + 1)
    for name in ("pipe.png", "zero.png", "folder", "large.png"):
        manifest(tmp_path, files={name: SUM})
        with pytest.raises(UserError, match=f"{name} is a folder, device or pipe, or larger than any image"):
            read_manifest(tmp_path)
    (tmp_path / "manifest.json").unlink()
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(UserError, match="is not a file"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("changes, said", (
    ({"format": 2}, "`format` must be 1"), ({"names": []}, "`names`"), ({"names": ["a", "a"]}, "`names`"),
    ({"names": [1]}, "`names`"), ({"names": {"a": 1}}, "`names`"), ({"files": []}, "`files` must hold"),
    ({"files": {"a": "0"}}, "64 hexadecimal digits"), ({"files": {"a": 5}}, "64 hexadecimal digits"),
    ({"protocol": []}, "`protocol`"),
    ({"protocol": {}}, "None cannot be the `trimap`"), ({"protocol": {"trimap": ["paper"]}}, "cannot be the `trimap`"),
    *(({"protocol": {"trimap": "paper", **wrong}}, f"cannot be the `{next(iter(wrong))}` of its protocol") for wrong in (
        {"size": "big"}, {"size": [1]}, {"size": [0, 4]}, {"size": [4.5, 4]}, {"size": [10 ** 9, 4]}, {"disturb": "no"},
        {"noise": "loud"}, {"noise": -1}, {"noise": 7}, {"placement": "turn"}, {"placement": {}}, {"name": 3})),
))
def test_every_value_has_a_type_and_a_range(tmp_path, changes, said):
    manifest(tmp_path, **changes)
    with pytest.raises(UserError, match=f"manifest.json.*{said}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ("", "[]", "{", "[" * 100_000))
def test_what_is_no_json_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json is (no manifest|not valid JSON)"):
        read_manifest(tmp_path)


def test_an_older_manifest_and_names_that_are_not_utf_8(tmp_path):
    name = os.fsdecode(b"\xb1\xb3")
    pha = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    rgb = np.dstack([pha] * 3)
    export_set([EvalItem(name, rgb, rgb, pha, None, None)], tmp_path / "bench", PROTOCOLS["rvm"], {})
    again = FolderSet(tmp_path / "bench", "whole")
    assert again.names == [name] and np.array_equal(again[0].pha, pha)
    path = tmp_path / "bench" / "manifest.json"
    content = json.loads(path.read_text())
    for key in ("placement", "unmix", "rounded"):
        del content["protocol"][key]   # as before these were written
    path.write_text(json.dumps(content))
    assert read_manifest(tmp_path / "bench")["names"] == [name]
