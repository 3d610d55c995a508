"""The sample pair in image/sample: two shots of one place, one of them with a person, and the script that makes it."""
import numpy as np
import pytest

from bgmatting.dataset.generate.sample_pair import PROJECT, cut_out, main, sample_pair
from bgmatting.media import read_image

FOLDER = PROJECT / "image" / "sample"


@pytest.fixture(scope="module")
def made():
    return sample_pair()


def difference(src, bgr):
    return np.abs(src.astype(int) - bgr).mean(2)


def test_pictures_in_the_project_are_what_the_script_makes(made):
    for name, image in zip(("src.jpg", "bgr.jpg"), made):
        kept = read_image(FOLDER / name)
        assert kept.shape == image.shape == (960, 1280, 3)
        assert difference(kept, image).mean() < 2.5  # JPEG, and small changes of OpenCV's filters
        assert (FOLDER / name).stat().st_size < 350_000


def test_scene_is_nearly_the_same_and_the_person_is_not(made):
    changed = difference(*made)
    scene, face, suit = changed[:700, :450], changed[250:400, 760:880], changed[600:900, 560:800]
    assert 1 < scene.mean() < 5
    assert face.mean() > 40 and suit.mean() > 30


def test_cut_out_is_solid_inside_and_free_of_the_old_background():
    portrait = np.full((512, 512, 3), 200, np.uint8)
    fgr, pha = cut_out(portrait)
    assert pha.dtype == fgr.dtype == np.float32 and pha.min() >= 0 and pha.max() <= 1
    assert pha[300:500, 150:250].min() == 1 and pha[:200, 320:].max() == 0
    assert np.abs(fgr - 200 / 255).max() < 0.01


def test_command_writes_both(tmp_path, capsys):
    main(["--output", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bgr.jpg", "src.jpg"]
    assert capsys.readouterr().out.count("1280x960") == 2
