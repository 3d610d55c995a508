"""Subjects cut out of photographs: what is trusted, and what is left of alpha."""
import numpy as np
import pytest

from bgmatting.media import read_rgba, write_image
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from tools.starter import cut_out as script
from tools.starter.cut_out import ANIMALS, cleaned, cut_out_animal, trimap_of, votes


def test_what_networks_say_far_from_the_edge_is_trusted():
    sure, person = np.zeros((200, 300), np.float32), np.zeros((200, 300), bool)
    sure[60:, 100:200], person[60:, 100:190] = 1, True
    sure[10:40, 20:50] = person[10:40, 20:50] = 1  # another person, smaller
    trimap = trimap_of((sure > 0.9) & person, (sure < 0.1) & ~person)
    assert trimap[130, 150] == 1 and trimap[199, 150] == 1  # to the image's border
    assert trimap[130, 102] == trimap[130, 98] == trimap[130, 195] == 0.5 and trimap[25, 35] == 0.5
    assert trimap[100, 40] == trimap[199, 299] == trimap[0, 0] == 0
    assert set(np.unique(trimap_of(person & False, ~person))) == {0, 0.5}


def test_faint_alpha_and_islands_go():
    alpha = np.zeros((40, 40))
    alpha[10:30, 10:30], alpha[9, 10:30], alpha[10:30, 9], alpha[30, 10:30], alpha[35:38, 35:38] = 0.97, 0.04, 0.5, 0.95, 1
    cut = cleaned(alpha)
    assert cut.dtype == np.uint8 and (cut[10:30, 10:30] == 255).all() and not cut[9].any() and not cut[35:, 35:].any()
    assert (cut[10:30, 9] == 128).all() and (cut[30, 10:30] == 255).all()


def test_views_of_an_animal_agree_and_too_small_a_one_is_refused():
    """DeepLab's stand-in calls red a dog, and the left edge of each view a cat."""
    photo = np.zeros((120, 160, 3), np.uint8)
    photo[40:80, 60:110, 0] = 255

    def deeplab(view):
        found = np.where(view[..., 0] > 127, ANIMALS[3], 0)
        found[:, :40] = ANIMALS[1]
        return found
    seen = votes(photo, deeplab)
    assert seen.shape == (120, 160) and (seen[45:75, 65:105] == 1).all()
    assert not seen[:35, 20:140].any() and not seen[85:, 20:140].any()
    assert seen[20, 2] == seen[20, 157] == 0.25  # the whole photo's left edge, as it is and mirrored
    with pytest.raises(UserError, match="%"):
        cut_out_animal(photo[:, 20:140] * np.uint8(0), lambda view: np.zeros(view.shape[:2]))


def test_no_result_replaces_another(tmp_path, monkeypatch, capsys):
    """Nothing is cut out where two photos would become one file; a photo whose file is there already is left out."""
    seen = []
    monkeypatch.setattr(script, "opened", lambda path: path)
    monkeypatch.setattr(script, "cut_out_animal",
                        lambda photo, deeplab: seen.append(photo) or np.dstack([photo, photo[..., 0]]))
    photos = [tmp_path / name for name in ("a/1.png", "b/1.png", "b/2.png")]
    for number, path in enumerate(photos):
        write_image(path, np.full((8, 8, 3), 100 + number, np.uint8))

    def run(*paths):
        with pytest.raises(SystemExit) as ended:
            run_main(script.main, ["net.tflite", str(tmp_path / "out"), *map(str, paths)])
        return ended.value.code
    assert run(*photos) == 2 and not seen and not (tmp_path / "out").exists()
    assert capsys.readouterr().err.startswith("error: ")
    assert run(photos[0]) == run(*photos[1:]) == 0 and len(seen) == 2
    for name, value in (("beast_1", 100), ("beast_2", 102)):
        assert (read_rgba(tmp_path / "out" / f"{name}.webp")[0] == value).all()
