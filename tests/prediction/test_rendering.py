"""What is made of a matte, in numbers."""
import cv2
import numpy as np
import pytest

from bgmatting.media.reading import read_stored
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.rendering import Canvas, rendered, write_pictures
from tests.prediction.command import Matte


def matte():
    pha = np.array([[-0.1, 0.001, 0.5, 1.2]], np.float32)
    return Matte(pha, np.full((1, 4, 3), 0.4, np.float32), pha, pha)


def picture(matte, kind, bits=8, behind=None):
    return rendered(matte, (kind,), bits, behind)[kind]


def test_each_depth_comes_from_the_numbers_themselves():
    assert picture(matte(), "pha").tolist() == [[0, 0, 128, 255]]
    assert picture(matte(), "com").tolist() == [[[0] * 4, [0] * 4, [102, 102, 102, 128], [102, 102, 102, 255]]]
    assert picture(matte(), "pha", 16).dtype == np.uint16
    assert picture(matte(), "pha", 16).tolist() == [[0, 66, 32768, 65535]]  # 66: lost in 8 bits
    assert picture(matte(), "com", 16)[0, :, 3].tolist() == [0, 66, 32768, 65535] and picture(
        matte(), "com", 16)[0, 1, 0] == 26214


@pytest.mark.parametrize("bits", [8, 16])
def test_before_a_background(bits):
    target = np.full((1, 4, 3), (255, 51, 0), np.uint8)
    found = picture(matte(), "com", bits, target) / (2 ** bits - 1)
    pha = np.clip(matte().pha, 0, 1)[..., None]
    np.testing.assert_allclose(found, pha * 0.4 + (1 - pha) * [1, 0.2, 0], atol=0.51 / (2 ** bits - 1))
    assert found.shape == (1, 4, 3)


def test_the_matte_is_left_as_it_is():
    given = matte()
    for word in ("pha", "com", "fgr"):
        picture(given, word, 16, open_backdrop("white").frame(0, np.zeros((1, 4, 3), np.uint8), None))
    np.testing.assert_array_equal(given.pha, matte().pha)
    np.testing.assert_array_equal(given.fgr, matte().fgr)


@pytest.mark.parametrize("suffix, bits", [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".webp", 8)])
def test_pha_and_cut_outs_lose_nothing(tmp_path, suffix, bits):
    rng = np.random.default_rng(0)
    found = Matte(rng.random((9, 11), np.float32), rng.random((9, 11, 3), np.float32), None, None)
    types = ("pha", "com", "fgr")
    write_pictures({word: tmp_path / f"{word}{suffix}" for word in types}, rendered(found, types, bits), True)
    for word in ("pha", "com") + (("fgr",) if suffix != ".webp" else ()):
        again = cv2.imread(str(tmp_path / f"{word}{suffix}"), cv2.IMREAD_UNCHANGED)
        expected = picture(found, word, bits)
        if word == "pha":
            again = again if again.ndim == 2 else again[..., 0]
        else:
            again = cv2.cvtColor(again, cv2.COLOR_BGRA2RGBA if again.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        assert again.dtype == expected.dtype
        if not (suffix == ".tif" and word == "com" and bits == 8):  # OpenCV's reader darkens those; see test_photo
            np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("has_background", [False, True])
def test_a_matte_in_strips_makes_the_same_files(tmp_path, bits, has_background):
    rng = np.random.default_rng(1)
    pha, fgr, ref = (rng.random(shape, np.float32) for shape in ((20, 12), (20, 12, 3), (20, 12)))
    whole = Matte(pha, fgr, None, ref)
    behind = rng.integers(0, 256, (20, 12, 3), dtype=np.uint8) if has_background else None
    types = ("pha", "com", "fgr", "ref")
    for folder in ("whole", "strips"):
        (tmp_path / folder).mkdir()
    write_pictures({kind: tmp_path / "whole" / f"{kind}.png" for kind in types}, rendered(whole, types, bits, behind),
                   behind is None)
    canvas = Canvas(types, (20, 12), bits, behind)
    for top in range(0, 20, 8):
        canvas.add(top, Matte(*(None if part is None else part[top:top + 8] for part in whole)))
    write_pictures({kind: tmp_path / "strips" / f"{kind}.png" for kind in types}, canvas.pictures, behind is None, True)
    for kind in types:
        assert (tmp_path / "whole" / f"{kind}.png").read_bytes() == (tmp_path / "strips" / f"{kind}.png").read_bytes()


@pytest.mark.parametrize("bits", [8, 16])
def test_premultiplied(tmp_path, bits):
    most = 2 ** bits - 1
    found = Matte(np.float32([[0, 0.5, 1]]), np.full((1, 3, 3), 0.8, np.float32), None, None)
    com = rendered(found, ("com",), bits, premultiplied=True)["com"]
    assert np.allclose(com[0, :, 0] / most, [0, 0.4, 0.8], atol=1 / most) and np.allclose(com[0, :, 3] / most, [0, 0.5, 1],
                                                                                          atol=1 / most)
    write_pictures({"com": tmp_path / "com.tif"}, {"com": com}, True, premultiplied=True)
    again = read_stored(tmp_path / "com.tif", 16)  # whose file says that it is
    assert np.allclose(again[0, 1:, 0] / most, 0.8, atol=3 / 255)


def test_a_crop_is_the_same_in_strips():
    alpha = np.zeros((20, 12), np.float32)
    alpha[5:9, 3:4], alpha[15, 2] = 1, 0.01  # the last is too faint to count
    found = Matte(alpha, np.full((20, 12, 3), 0.5, np.float32), None, None)
    canvas = Canvas(("com",), (20, 12), crop=2)
    for top in range(0, 20, 6):
        canvas.add(top, Matte(*(part if part is None else part[top:top + 6] for part in found)))
    assert np.array_equal(canvas.pictures["com"], rendered(found, ("com",))["com"][3:11, 1:6])
