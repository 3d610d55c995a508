import cv2
import numpy as np
import pytest
from PIL import Image

from bgmatting.dataset.check.inspection import inspect_pair
from bgmatting.dataset.layouts.mattes import alpha_note, check_matte, read_pha
from bgmatting.dataset.layouts.pictures import read_cutout, read_fgr_pha
from bgmatting.media import read_gray, write_image
from bgmatting.media.tiff import EXTRA
from bgmatting.utils.errors import UserError
from tests.media.tiffs import tiff


def disc(size=(40, 60), radius=14, top=255):
    y, x = np.mgrid[:size[0], :size[1]]
    return (np.clip((radius - np.hypot(y - size[0] / 2, x - size[1] / 2)) / 4 + 0.5, 0, 1) * top).astype(np.uint8)


PHA = disc()
MASK = (PHA > 127).astype(np.uint8)


def saved(tmp_path, image, name="pha.png", **options):
    path = tmp_path / name
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return str(path)


def palette(values, colours):
    image = Image.fromarray(values, "P")
    image.putpalette([part for colour in colours for part in colour])
    return image


@pytest.mark.parametrize("name", ("pha.png", "pha.tif", "pha.webp"))
def test_an_alpha_channel_is_the_matte(tmp_path, name):
    colours = np.full((*PHA.shape, 3), 9, np.uint8)
    colours[:20] = 40
    path = saved(tmp_path, np.dstack([colours, PHA]), name, **({"lossless": True, "exact": True} if "webp" in name else {}))
    assert np.array_equal(read_pha(path), PHA)
    assert "alpha channel is taken" in alpha_note(path)


def test_an_alpha_channel_that_is_the_same_all_over_leaves_the_brightness(tmp_path):
    path = saved(tmp_path, np.dstack([PHA, PHA, PHA, np.full_like(PHA, 255)]))
    assert np.array_equal(read_pha(path), PHA)
    assert alpha_note(path) == "its brightness is taken for the matte: its alpha channel is 255 all over"
    gray = saved(tmp_path, Image.merge("LA", [Image.fromarray(np.zeros_like(PHA)), Image.fromarray(PHA)]), "la.png")
    assert np.array_equal(read_pha(gray), PHA) and alpha_note(gray) is None   # nothing to choose from


def test_plain_files_are_read_as_they_were(tmp_path):
    tinted = np.dstack([PHA, np.maximum(PHA, 9) - 9, PHA])
    for image, name in ((PHA, "gray.png"), (tinted, "rgb.png"), (PHA, "gray.jpg"), (PHA, "gray.bmp")):
        path = saved(tmp_path, image, name)
        expected = cv2.imread(path, cv2.IMREAD_GRAYSCALE) if image is PHA else cv2.cvtColor(tinted, cv2.COLOR_RGB2GRAY)
        assert np.array_equal(read_pha(path), expected) and alpha_note(path) is None
    big = saved(tmp_path, np.full((64, 96), 200, np.uint8), "big.jpg")
    assert read_pha(big, least=16).shape == (16, 24)


def test_mattes_of_one_channel_of_16_bits_and_of_a_palette(tmp_path):
    write_image(tmp_path / "a.png", np.array([[0, 257 * 9, 65535]], np.uint16))
    assert read_pha(tmp_path / "a.png").tolist() == [[0, 9, 255]]
    three = palette(np.array([[0, 1, 2]], np.uint8), [(250,) * 3, (0,) * 3, (128,) * 3])
    for name, options in (("p.png", {}), ("p.tif", {}), ("t.png", {"transparency": bytes((10, 20, 30))})):
        path = saved(tmp_path, three, name, **options)
        assert read_pha(path).tolist() == [[10, 20, 30] if options else [250, 0, 128]]
        assert read_gray(path).tolist() == [[250, 0, 128]]


@pytest.mark.parametrize("image, said", (
    (MASK, "reaches only 1 of 255: .*multiply its values by 255"),
    (MASK * 38, "reaches only 38 of 255: .*save the subject's pixels as 255"),
    (MASK.astype(np.uint16), "reaches only 1 of 65535: .*multiply its values by 65535"),
    (PHA.astype(np.uint16), "reaches only 255 of 65535"),
    (MASK.astype(np.uint16) * 4095, "reaches only 4095 of 65535"),
    (np.dstack([MASK * 128, MASK, MASK * 128]), "has colours"),
    (palette(MASK, [(0, 0, 0), (128, 0, 0)]), "has colours in its palette"),
    (palette(MASK, [(k, k, k) for k in range(256)]), "reaches only 1 of 255"),
    (np.dstack([PHA, PHA, PHA, MASK]), "reaches only 1 of 255"),
))
def test_masks_of_other_units_are_refused(tmp_path, image, said):
    path = saved(tmp_path, image)
    with pytest.raises(UserError, match=f"pha.png {said}"):
        read_pha(path)
    if getattr(image, "shape", ())[2:] == (4,):
        with pytest.raises(UserError, match=said):
            read_cutout(path)


@pytest.mark.parametrize("extra", (0, 1))
@pytest.mark.parametrize("values, said", ((MASK, "only 1 of 65535"), (PHA, "only 255 of 65535"), (None, None)))
def test_mattes_of_16_bits_in_tiff_count_in_their_own_units(tmp_path, values, said, extra):
    pha = PHA.astype(np.uint16) * 257 if values is None else values.astype(np.uint16)
    path = tmp_path / "pha.tif"
    samples = np.dstack([np.full_like(pha, 9)] * 3 + [pha]) if extra else pha[..., None]
    path.write_bytes(tiff(samples, 16, 2 if extra else 1, more={EXTRA: (3, (2,))} if extra else None))
    if said is None:
        assert np.array_equal(read_pha(path), PHA)
        return
    with pytest.raises(UserError, match=said):
        read_pha(path)


def test_colours_are_no_matte(tmp_path):
    photo = np.dstack([PHA, PHA // 2, 255 - PHA])
    with pytest.raises(UserError, match="has colours, as a photo"):
        read_pha(saved(tmp_path, photo, "photo.tif"))
    jpeg = saved(tmp_path, photo, "photo.jpg")
    assert "it has colours" in alpha_note(jpeg) and np.ptp(read_pha(jpeg)) > 99
    assert [finding.text for finding in inspect_pair(0, read_fgr_pha, (jpeg, jpeg)).findings][:1] == [
        f"{jpeg}: it has colours, as no matte has; its brightness is taken."]


def test_what_is_faint_but_a_matte_is_taken(tmp_path):
    for name, pha in (("empty", np.zeros_like(PHA)), ("blur", np.tile((np.arange(60) * 50 // 59).astype(np.uint8), (40, 1))),
                      ("full", np.full_like(PHA, 255)),
                      ("veil", MASK * np.uint8(90))):
        assert np.array_equal(read_pha(saved(tmp_path, pha, f"{name}.png")), pha)
    specks = np.zeros((100, 100), np.uint8)
    specks[::40, ::40] = 1
    check_matte(specks, "specks.png")
    check_matte(np.full((9, 9), 3, np.uint8), "empty.jpg", lossless=False)   # what compression leaves of nothing
    with pytest.raises(UserError, match="reaches only 40"):
        check_matte(MASK * 40, "clip.mp4 frame 3", lossless=False)
