"""A few damaged files at predict.py, and that the judge of them is not blind; tests/faults/bad_media.py does many."""
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", minversion="14")
FAULTS = Path(__file__).resolve().parent / "faults"
sys.path.insert(0, str(FAULTS))
import bad_media  # noqa: E402  (a command, not a package)
import damage  # noqa: E402


@pytest.mark.slow
def test_six_damaged_files(tmp_path):
    done = subprocess.run([sys.executable, str(FAULTS / "bad_media.py"), "--cases", "6", "--real", "0", "--seed", "8",
                           "--folder", str(tmp_path)], capture_output=True, text=True, timeout=600)
    tally = re.search(r"6 damaged files, .*: (\d+) refused, (\d+) done in part.*, (\d+) done .*, 0 bad;", done.stdout)
    assert done.returncode == 0 and tally, done.stdout + done.stderr
    assert sum(map(int, tally.groups())) == 6 and int(tally[1]) >= 2


@pytest.mark.parametrize("reply, left, words", [
    ({"code": None, "trace": "Traceback ..."}, None, "an exception"),
    ({"code": None, "why": "no end after 180 s"}, None, "no end"),
    ({"peak": 4000.0}, None, "4000 MiB"), ({}, ".x.png.7.tmp", "left"), ({}, "x.png", "cannot be read"),
    ({"text": "error: something."}, None, "no line that names"), ({"code": 0}, None, "taken for whole"),
    ({"code": 3}, None, "exit code 3"),
    ({"code": 1}, None, "without a line")])
def test_the_judge_sees_what_is_wrong(tmp_path, reply, left, words):
    case = bad_media.Case(tmp_path, "bad.png", [], "", True)
    (tmp_path / "out").mkdir()
    if left is not None:
        (tmp_path / "out" / left).write_bytes(b"half")
    fine = {"code": 2, "text": "error: cannot decode bad.png.", "trace": "", "peak": 10.0}
    verdict, why = bad_media.judge(case, {**fine, **reply})
    assert verdict == "BAD" and words in why
    if left is None:
        assert bad_media.judge(case, fine) == ("refused", "")


def test_damages_differ_from_the_sound_file():
    rng = np.random.default_rng(1)
    image = damage.scene(rng)
    for kind in damage.PHOTOS:
        sound = damage.photo(kind, image)
        if sound is None:
            continue  # what writes it is not installed
        for how in damage.DAMAGES:
            suffix, data = damage.damaged(sound, "photo", kind, how, rng)
            assert (data != sound) == (how not in ("renamed", "hole")) or how == "hole", (kind, how)
            assert (suffix != kind.split(".")[-1]) == (how == "renamed")
