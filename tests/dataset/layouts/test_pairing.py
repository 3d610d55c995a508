"""Partners from two systems: accents written in two Unicode forms, and folders that file servers keep."""
import unicodedata

import numpy as np

from bgmatting.dataset.layouts.pairing import files_by_name, pair_up
from bgmatting.dataset.layouts.videos import videos_by_name
from bgmatting.media import write_image


def test_partners_in_two_unicode_forms(tmp_path):
    for name in ("Grüße", "É/à", "plain"):
        for folder, form in (("fgr", "NFC"), ("pha", "NFD")):
            write_image(tmp_path / folder / (unicodedata.normalize(form, name) + ".png"), np.zeros((2, 2), np.uint8))
    fgr, pha = (files_by_name(tmp_path / folder) for folder in ("fgr", "pha"))
    assert sorted(pair_up(tmp_path / "fgr", fgr, tmp_path / "pha", pha)) == ["Grüße", "plain", "É/à"]
    assert all("pha" in pha[name] and "fgr" in fgr[name] for name in fgr)


def test_folders_of_other_systems_are_no_data(tmp_path):
    for place in ("", "@eaDir/", "lost+found/", "#recycle/", ".Trash-1000/", "__MACOSX/"):
        write_image(tmp_path / f"{place}a.png", np.zeros((2, 2), np.uint8))
        (tmp_path / f"{place}b.mp4").write_bytes(b"")
    assert list(files_by_name(tmp_path)) == ["a"] and list(videos_by_name(tmp_path)) == ["b"]
