"""Sets in the folders that people have them in."""
import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError

GRAY, RGB, RGBA = (np.full((4, 4, *channels), 9, np.uint8) for channels in ((), (3,), (4,)))


def pair(folder, fgr, pha, name="a"):
    write_image(folder / fgr / f"{name}.png", RGB)
    write_image(folder / pha / f"{name}.png", GRAY)


@pytest.mark.parametrize("name, known", (
    ("distinctions646", "Distinctions646_person"), ("Distinctions-646", "Distinctions646_person"),
    ("photomatte85", "PhotoMatte85"), ("PhotoMatte85_eval", "PhotoMatte85"), ("backgrounds", "Backgrounds"),
    ("composition-1k", "Composition1k"), ("P3M-500-NP", "P3M500NP"), ("p3m-10k", "P3M10k"), ("BG-20k", "BG20k")))
def test_names_as_people_write_them(name, known):
    assert open_catalog().name_of(name) == known


def test_names_of_nothing_and_of_several(tmp_path):
    with pytest.raises(UserError, match="'photomat85'.*'PhotoMatte85'"):
        open_catalog().name_of("photomat85")
    (tmp_path / "c.yml").write_text("".join(f"{name}: {{layout: backgrounds, path: x, splits: {{train: .}}}}\n"
                                            for name in ("Rooms-HD", "rooms_sd")))
    with pytest.raises(UserError, match="the dataset 'rooms' may be Rooms-HD or rooms_sd"):
        open_catalog(tmp_path / "c.yml").name_of("rooms")


@pytest.mark.parametrize("folder", ("test85", "PhotoMatte85", "photomatte85", "PhotoMatte85_eval",
                                    "PhotoMatte-85/PhotoMatte85"))
def test_photomatte85_as_two_folders(tmp_path, folder):
    pair(tmp_path / folder, "fgr", "pha")
    catalog = open_catalog(data_root=tmp_path)
    assert catalog.where("PhotoMatte85") == tmp_path / folder
    assert catalog.pairs("photomatte85", "test").names == ["a"]


@pytest.mark.parametrize("folder", ("PhotoMatte85_eval", "photomatte85", "PhotoMatte85/PhotoMatte85"))
def test_photomatte85_as_cut_outs(tmp_path, folder):
    write_image(tmp_path / folder / "b.png", RGBA)
    assert [name[-1] for name in open_catalog(data_root=tmp_path).pairs("PhotoMatte85", "test").names] == ["b"]


@pytest.mark.parametrize("folder, train, test", (
    ("distinction", "train/{}", "test/{}"), ("Distinctions-646", "Train/{}", "Test/{}"),
    ("Distinctions646_person/Distinctions646", "train/{}", "Test/{}")))
@pytest.mark.parametrize("kinds", (("fgr", "pha"), ("FG", "GT")))
def test_distinctions(tmp_path, folder, train, test, kinds):
    for split, name in ((train, "a"), (test, "b")):
        pair(tmp_path / folder, *(split.format(kind) for kind in kinds), name)
    catalog = open_catalog(data_root=tmp_path)
    assert [catalog.pairs("distinctions646", split).names for split in ("train", "valid")] == [["a"], ["b"]]


def test_videomatte_in_either_size_and_the_small_one_first(tmp_path):
    for size in ("HD", "SD"):
        pair(tmp_path / f"VideoMatte240K_JPEG_{size}", "train/fgr/0000", "train/pha/0000", size)
        catalog = open_catalog(data_root=tmp_path)
        assert catalog.pairs("VideoMatte240K", "train").names == [f"0000/{size}"]
    with pytest.raises(UserError, match="test/fgr does not exist"):
        catalog.pairs("VideoMatte240K", "valid")


@pytest.mark.parametrize("name, fgr, pha, list_name, names, each", (
    ("PPM100", "PPM-100/val/fg", "PPM-100/val/alpha", "PPM-100/val.txt", ["p1"], 1),
    ("P3M500", "P3M-10k/validation/P3M-500-P/blurred_image", "P3M-10k/validation/P3M-500-P/mask", None, ["p0", "p1"], 1),
    ("AIM", "Composition-1k/val/fg", "Composition-1k/val/alpha", "Composition-1k/people.txt", ["p1"], 5)))
def test_sets_of_photos(tmp_path, monkeypatch, name, fgr, pha, list_name, names, each):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: True)  # PyMatting, which makes their foregrounds
    for number in range(2):
        pair(tmp_path, fgr, pha, f"p{number}")
    if list_name:
        (tmp_path / list_name).write_text("p1.png\n")
    catalog = open_catalog(data_root=tmp_path)
    assert catalog.pairs(name, "test" if "test" in catalog.splits(name) else "valid").names == names
    assert catalog.backgrounds_each(name) == each


def test_the_search_ends_where_nothing_is(tmp_path):
    (tmp_path / "other" / "PhotoMatte85").mkdir(parents=True)
    catalog = open_catalog(data_root=tmp_path)
    assert not catalog.available("PhotoMatte85") and catalog.where("PhotoMatte85") == tmp_path / "PhotoMatte85"
    pair(tmp_path / "test85", "fgr", "pha")    # put there while the catalogue is open
    assert catalog.available("PhotoMatte85")
