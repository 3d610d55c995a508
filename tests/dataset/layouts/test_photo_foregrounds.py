"""Photos with a scene behind the subject: foregrounds are estimated once, kept, and estimated anew for changed files.

PyMatting is optional, so most tests put a cheap estimate in its place; where it is installed it is tried itself.
"""
import importlib.util
import os

import numpy as np
import pytest

from bgmatting.dataset.catalog import Catalog
from bgmatting.dataset.catalog_file import read_entries
from bgmatting.dataset.layouts import photo_foregrounds as estimate
from bgmatting.media import list_images, write_image
from bgmatting.utils.errors import UserError

ENTRY = """photos:
  layout: fgr_pha_folders
  path: photos
  photo: true
  splits: {train: {fgr: fg, pha: alpha}}
"""


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A catalogue of two photos, and the list of estimates made, which add 100 to the photo."""
    for number, name in enumerate("ab"):
        write_image(tmp_path / "photos" / "fg" / f"{name}.png", np.full((6, 8, 3), 10 + number, np.uint8))
        write_image(tmp_path / "photos" / "alpha" / f"{name}.png", np.full((6, 8), 99, np.uint8))
    (tmp_path / "c.yml").write_text(ENTRY)
    made = []
    monkeypatch.setattr(estimate, "estimate_fgr", lambda photo, pha: made.append(photo[0, 0, 0]) or photo + 100)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    return Catalog(read_entries(tmp_path / "c.yml"), tmp_path, tmp_path / "c.yml", cache_root=tmp_path / "cache"), made


def test_second_run_reads_the_cache(photos, tmp_path):
    catalog, made = photos
    for _ in range(2):
        pairs = catalog.pairs("photos", "train")
        assert [(pair.fgr[0, 0, 0], pair.pha[0, 0]) for pair in map(pairs.load, range(2))] == [(110, 99), (111, 99)]
    assert made == [10, 11]
    assert len(list_images(tmp_path / "cache")) == 2
    assert not list(tmp_path.rglob("*.tmp"))


def test_changed_photo_is_estimated_anew(photos, tmp_path):
    catalog, made = photos
    pairs = catalog.pairs("photos", "train")
    pairs.load(0)
    photo = tmp_path / "photos" / "fg" / "a.png"
    write_image(photo, np.full((6, 8, 3), 20, np.uint8))
    os.utime(photo, ns=(1, 1))
    assert pairs.load(0).fgr[0, 0, 0] == 120 and made == [10, 20]
    photo.unlink()
    with pytest.raises(UserError, match=r"a\.png"):
        pairs.load(0)


def test_pymatting_missing_is_said_before_work_starts(photos, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install pymatting"):
        photos[0].pairs("photos", "train")


def test_pymatting_takes_the_scene_out_of_the_edge():
    pytest.importorskip("pymatting")
    pha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    weight = pha[..., None] / 255
    photo = np.rint(weight * (200, 60, 30) + (1 - weight) * (0, 0, 255)).astype(np.uint8)
    fgr = estimate.estimate_fgr(photo, pha)
    assert fgr.dtype == np.uint8 and fgr.shape == photo.shape
    assert np.abs(fgr[:, 16:].astype(int) - (200, 60, 30)).max() <= 12
    assert np.abs(photo[:, 16].astype(int) - (200, 60, 30)).max() > 100
