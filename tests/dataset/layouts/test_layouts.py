"""Each real layout, written small into tmp_path, comes back pixel for pixel; each flaw is named."""
import unicodedata

import numpy as np
import pytest

from bgmatting.dataset.layouts import backgrounds, fgr_pha_folders, rgba_folder
from bgmatting.dataset.layouts.pairing import files_by_name
from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.media import VIDEO_SUFFIXES, write_image
from bgmatting.utils.errors import UserError

FOLDERS = {"fgr": "fgr", "pha": "pha"}


def picture(value, size=(6, 8), channels=3):
    shape = (*size, channels) if channels else size
    return np.full(shape, value, np.uint8)


def write_pair(root, name, value=10, fgr_suffix=".png", pha_suffix=".png", size=(6, 8)):
    write_image(root / "fgr" / f"{name}{fgr_suffix}", picture((value, 2 * value, 3 * value), size))
    write_image(root / "pha" / f"{name}{pha_suffix}", picture(value, size, channels=0))


def test_videomatte_clips_are_paired_and_are_the_subjects(tmp_path):
    for clip, frame in (("0001", "00001"), ("0000", "00000"), ("0000", "00001")):
        write_pair(tmp_path, f"{clip}/{frame}", value=20, fgr_suffix=".jpg", pha_suffix=".jpg")
    pairs = fgr_pha_folders(tmp_path, FOLDERS)
    assert pairs.names == ["0000/00000", "0000/00001", "0001/00001"]
    assert pairs.subjects == ["0000", "0000", "0001"]
    name, fgr, pha = pairs.load(2)
    assert name == "0001/00001" and fgr.dtype == pha.dtype == np.uint8
    assert fgr.shape == (6, 8, 3) and pha.shape == (6, 8)
    assert np.abs(fgr.astype(int) - (20, 40, 60)).max() <= 3 and np.abs(pha.astype(int) - 20).max() <= 1


@pytest.mark.parametrize("other", ("fgr", "pha"))
def test_the_content_says_whether_both_are_jpeg_and_come_smaller(tmp_path, other):
    """A PNG that is called .jpg cannot come at a part of its size, and so its partner must not."""
    write_pair(tmp_path, "a", fgr_suffix=".jpg", pha_suffix=".jpg", size=(64, 96))
    pair = [str(tmp_path / kind / "a.jpg") for kind in ("fgr", "pha")]
    assert [image.shape[:2] for image in read_fgr_pha(*pair, least=16)] == [(16, 24), (16, 24)]
    write_image(tmp_path / "a.png", picture(7, (64, 96), 3 if other == "fgr" else 0))
    (tmp_path / "a.png").replace(tmp_path / other / "a.jpg")
    assert [image.shape[:2] for image in read_fgr_pha(*pair, least=16)] == [(64, 96), (64, 96)]


def test_backgrounds_of_any_nesting(tmp_path):
    write_image(tmp_path / "b.png", picture((5, 6, 7)))
    write_image(tmp_path / "in" / "deep" / "a.bmp", picture(8))
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image")
    found = backgrounds(tmp_path, ".")
    assert found.names == ["b.png", "in/deep/a.bmp"] and len(found) == 2
    assert found.subjects == ["b", "a"]
    assert found.load(0)[0, 0].tolist() == [5, 6, 7]
    assert found.subset([1]).names == ["in/deep/a.bmp"]


@pytest.mark.parametrize("also, words", [
    ({**{f"fgr/{name}.png": 3 for name in "abcd"}, "pha/z.png": 0}, r"4 in .*\(a, b, c, \.\.\.\).*1 in .*\(z\)"),
    ({"fgr/both.jpg": 3}, r"both\.jpg and both\.png")])
def test_files_without_a_partner_or_with_two(tmp_path, also, words):
    write_pair(tmp_path, "both")
    for path, channels in also.items():
        write_image(tmp_path / path, picture(1, channels=channels))
    with pytest.raises(UserError, match=words):
        fgr_pha_folders(tmp_path, FOLDERS)


def test_different_sizes_are_named(tmp_path):
    write_pair(tmp_path, "a")
    write_image(tmp_path / "pha" / "a.png", picture(1, size=(6, 9), channels=0))
    with pytest.raises(UserError, match=r"a\.png.*9x6.*a\.png.*8x6"):
        fgr_pha_folders(tmp_path, FOLDERS).load(0)


@pytest.mark.parametrize("make, words", [(False, "does not exist"), (True, "holds no images")])
def test_missing_and_empty_folders(tmp_path, make, words):
    if make:
        (tmp_path / "set" / "sub").mkdir(parents=True)
    for read in (rgba_folder, backgrounds):
        with pytest.raises(UserError, match=f"{tmp_path / 'set'} {words}"):
            read(tmp_path / "set", ".")


def test_partners_in_two_unicode_forms(tmp_path):
    for name in ("Grüße", "É/à", "plain"):
        for folder, form, channels in (("fgr", "NFC", 3), ("pha", "NFD", 0)):
            write_image(tmp_path / folder / (unicodedata.normalize(form, name) + ".png"), picture(1, channels=channels))
    assert sorted(fgr_pha_folders(tmp_path, FOLDERS).names) == ["Grüße", "plain", "É/à"]


def test_folders_of_other_systems_are_no_data(tmp_path):
    for place in ("", "@eaDir/", "lost+found/", "#recycle/", ".Trash-1000/", "__MACOSX/"):
        write_image(tmp_path / f"{place}a.png", picture(1))
        (tmp_path / f"{place}b.mp4").write_bytes(b"")
    assert list(files_by_name(tmp_path)) == ["a"] and list(files_by_name(tmp_path, suffixes=VIDEO_SUFFIXES)) == ["b"]
