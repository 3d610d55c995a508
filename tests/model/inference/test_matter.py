"""Matter takes any weights and photos of any size, and says what it was run with."""
import hashlib
from dataclasses import FrozenInstanceError
from functools import partial

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F
from PIL import Image
from safetensors.numpy import save_file

from bgmatting.media import write_image
from bgmatting.model import Matter as AnyMatter
from bgmatting.model import MattingBase, MattingRefine, Settings
from bgmatting.model.weights import read_weights, save_weights
from bgmatting.model.weights.metadata import origin_facts, refine_facts
from bgmatting.utils.errors import UserError
from tests.model.inference.engine_cases import photos
from tests.model.reference import reference_network

Matter = partial(AnyMatter, backend="paddle")  # what other backends make of it is in test_engines.py


def tensor(photo):
    return paddle.to_tensor(photo.transpose(2, 0, 1)[None].astype(np.float32) / 255)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "base.safetensors"
    save_weights(reference_network(MattingBase, "mobilenetv2"), path)
    return path


@pytest.fixture
def matter(shared):
    return shared(sample_pixels=480)


@pytest.mark.parametrize("height, width", [(1, 1), (1, 9), (2, 3), (4, 4), (16, 16), (17, 130), (63, 65)])
def test_any_size(matter, height, width):
    matte = matter.predict(*photos(height, width))
    assert [value.shape for value in matte] == [(height, width), (height, width, 3), (height, width), (height, width)]
    for name, value in matte._asdict().items():
        assert value.dtype == np.float32, name
        assert 0 <= value.min() <= value.max() <= 1, name
    assert set(np.unique(matte.ref)) <= {0, 1}


def test_the_error_is_the_networks(shared, monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.pair.stride_of", lambda backbone: 1)  # the network pads nothing
    src, bgr = photos(64, 96)
    network = reference_network(MattingRefine, "mobilenetv2", refine_sample_pixels=480)
    with paddle.no_grad():
        err = F.interpolate(network(tensor(src), tensor(bgr)).err_sm, size=[64, 96], mode="bilinear", align_corners=False)
    assert np.abs(shared(backbone_scale=0.25).predict(src, bgr).err - err.numpy()[0, 0]).max() < 1e-5


@pytest.mark.parametrize("height, width", [(61, 94), (64, 93), (61, 96)])
def test_odd_sizes_are_padded_with_their_border_not_stretched(matter, height, width):
    src, bgr = photos(height, width)
    padded = [np.pad(x, ((0, 64 - height), (0, 96 - width), (0, 0)), mode="edge") for x in (src, bgr)]
    for small, large in zip(matter.predict(src, bgr), matter.predict(*padded)):
        assert np.array_equal(small, large[:height, :width])


def test_photos_are_left_as_they_were_and_need_not_be_contiguous(matter):
    src, bgr = photos(40, 52)
    kept = src.copy(), bgr.copy()
    flipped = matter.predict(src[:, ::-1], bgr[:, ::-1])
    assert np.array_equal(src, kept[0]) and np.array_equal(bgr, kept[1])
    copied = matter.predict(src[:, ::-1].copy(), bgr[:, ::-1].copy())
    assert np.array_equal(flipped.pha, copied.pha)


@pytest.mark.parametrize("there", (None, True))
@pytest.mark.parametrize("scale, more", ((1.0, 8), (0.5, 24)))
def test_the_coarse_network_sees_multiples_of_its_stride(shared, scale, more, there):
    """Else the decoder enlarges its maps to places beside the encoder's: what it sees goes on beyond the photo's border."""
    src, bgr = (photo.repeat(2, 0).repeat(2, 1) for photo in photos(36, 52))
    matter = shared(on_device=there, backbone_scale=scale, sample_pixels=0)
    larger = matter.predict(*(np.pad(photo, ((0, more), (0, more), (0, 0)), mode="edge") for photo in (src, bgr)))
    for small, large in zip(matter.predict(src, bgr), larger):
        assert np.abs(small[:-4, :-4] - large[:68, :100]).max() < 1e-5


def test_weights_of_the_base_alone_give_its_result_enlarged(base, monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.pair.stride_of", lambda backbone: 1)
    src, bgr = photos(64, 96)
    matter = Matter(base, device="cpu", sample_pixels=50_000, refine_mode="thresholding", backbone_scale=0.25, unmix=False)
    assert matter.settings["refine_mode"] == "sampling" and matter.settings["sample_pixels"] == 0
    matter.sample_pixels = 4000
    assert matter.sample_pixels == 0
    matte = matter.predict(src, bgr)
    small = [F.interpolate(tensor(x), size=[16, 24], mode="bilinear", align_corners=False) for x in (src, bgr)]
    with paddle.no_grad():
        pha = reference_network(MattingBase, "mobilenetv2")(*small).pha
    pha = F.interpolate(pha, size=[64, 96], mode="bilinear", align_corners=False).numpy()[0, 0]
    assert np.abs(matte.pha - pha).max() < 1e-5
    assert (matte.ref == 0).all()


def test_settings(weights):
    default = {"weights": str(weights), "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "backend": "paddle",
               "device": "cpu", "method": "background", "backbone": "mobilenetv2", "backbone_scale": "auto",
               "refine_mode": "sampling", "sample_pixels": 80_000, "threshold": 0.1, "told_by_weights": (),
               "precision": "fp32", "unmix": True, "fill": True}
    matter = Matter(weights, device="cpu")
    assert matter.settings == default and matter.settings.tf32 is None
    matter.sample_pixels, matter.backbone_scale = 160, 0.25
    assert matter.settings == {**default, "sample_pixels": 160, "backbone_scale": 0.25}
    with pytest.raises(FrozenInstanceError):
        matter.settings.sample_pixels = 320
    with pytest.raises(UserError):
        matter.sample_pixels = -1
    given = {"backbone_scale": 0.125, "refine_mode": "thresholding", "sample_pixels": 0, "threshold": 0.2, "unmix": False}
    settings = Settings(weights, "paddle", "cpu", **{**given, "threshold": 0.5})
    assert AnyMatter(settings, threshold=0.2).settings == {**default, **given, "fill": False}


def test_the_header_decides_and_the_caller_above_it(tmp_path):
    network = reference_network(MattingRefine, "mobilenetv2", 0.125, "thresholding", 1600, 0.3)
    save_weights(network, tmp_path / "w.safetensors", {**refine_facts(network), **origin_facts("VideoMatte240K", 12)})
    keys = ("backbone_scale", "refine_mode", "sample_pixels", "threshold", "told_by_weights")
    matter = Matter(tmp_path / "w.safetensors", device="cpu")
    assert [matter.settings[key] for key in keys] == [0.125, "thresholding", 1600, 0.3, (
        "backbone_scale", "refine_mode", "refine_sample_pixels", "refine_threshold")]
    matter = Matter(tmp_path / "w.safetensors", device="cpu", backbone_scale=0.25, refine_mode="sampling", sample_pixels=480)
    assert [matter.settings[key] for key in keys] == [0.25, "sampling", 480, 0.3, ("refine_threshold",)]
    save_weights(network, tmp_path / "w.safetensors", {"backbone_scale": "1.25"})
    with pytest.raises(UserError, match="w.safetensors"):
        Matter(tmp_path / "w.safetensors", device="cpu", backbone_scale=0.25)


@pytest.mark.parametrize("wrong, said", [
    ({"backend": "onx"}, "unknown backend 'onx'"), ({"device": "tpu"}, "device 'tpu'"),
    ({"device": "gpu:99"}, "device 'gpu:99'"), ({"refine_mode": "ful"}, "Did you mean 'full'"),
    ({"backbone_scale": 1.25}, "at most 1, not 1.25"), ({"sample_pixels": -1}, "at least 0, not -1"),
    ({"threshold": 2}, "in 0..1, not 2"), ({"bits": 12}, "8 or 16, not 12"), ({"align": "on"}, "unknown align mode 'on'")])
def test_wrong_arguments(weights, wrong, said):
    with pytest.raises(UserError, match=said):
        Matter(weights, **{"device": "cpu", **wrong})


def test_photos_may_be_arrays_files_and_pil_images(matter, tmp_path):
    src, bgr = photos(40, 52)
    expected = matter.predict(src, bgr)
    for name, photo in (("src", src), ("bgr", bgr)):
        write_image(tmp_path / f"{name}.png", photo)
    turned = Image.fromarray(np.rot90(src))
    turned.getexif()[0x0112] = 6  # to be turned clockwise
    for pair in ((str(tmp_path / "src.png"), tmp_path / "bgr.png"), (turned, Image.fromarray(bgr).convert("RGBA")),
                 (src, tmp_path / "bgr.png")):
        for one, other in zip(matter.predict(*pair), expected):
            assert np.array_equal(one, other)
    with pytest.raises(UserError, match="nowhere.png"):
        matter.predict(src, tmp_path / "nowhere.png")
    with pytest.raises(TypeError):
        matter.predict(src.tolist(), bgr)


def test_gray_pil_images_of_16_bits(matter):
    gray = np.random.default_rng(0).integers(0, 256, (40, 52), dtype=np.uint8)
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    assert np.array_equal(matter.predict(deep, deep).pha, matter.predict(*[gray[..., None].repeat(3, 2)] * 2).pha)


def test_wrong_weights(tmp_path):
    with pytest.raises(UserError, match="nowhere.pth"):
        Matter(tmp_path / "nowhere.pth", device="cpu")
    save_weights(paddle.nn.Linear(3, 4), tmp_path / "linear.safetensors")
    with pytest.raises(UserError, match="linear.safetensors"):
        Matter(tmp_path / "linear.safetensors", device="cpu")


def test_weights_that_lack_an_array_are_not_filled_up(tmp_path, base):
    arrays, metadata = read_weights(base)
    del arrays["decoder.conv4.bias"]
    save_file(arrays, tmp_path / "w.safetensors", metadata)
    with pytest.raises(UserError, match="w.safetensors.*1.*decoder.conv4.bias"):
        Matter(tmp_path / "w.safetensors", device="cpu")


def test_wrong_photos(matter):
    src, bgr = photos(32, 48)
    for wrong, said in ((src.astype(np.float32), "src must be uint8"), (src[..., 0], "src must be uint8"),
                        (np.concatenate([src, src[..., :1]], 2), r"not uint8 \(32, 48, 4\)"),
                        (src[:, :40], r"one size, not \(32, 40\) and \(32, 48\)")):
        with pytest.raises(ValueError, match=said):
            matter.predict(wrong, bgr)
    with pytest.raises(ValueError, match="empty"):
        matter.predict(src[:0], bgr[:0])


@pytest.mark.parametrize("wrong", [{"backbone_scale": 0}, {"refine_mode": "some"}, {"sample_pixels": -1}, {"threshold": 2}])
def test_settings_out_of_range_leave_all_as_it_was(matter, wrong):
    before = matter.settings
    with pytest.raises(UserError):
        matter.with_settings(**wrong)
    assert matter.settings == before


def test_what_is_wanted(matter):
    pair = photos(32, 48)
    for want in ("pha", ["pha"], {"pha"}):
        matte = matter.predict(*pair, want=want)
        assert [part is not None for part in matte] == [True, False, False, False]
    for want in ("alpha", ["pha", "alpha"]):
        with pytest.raises(ValueError, match="'alpha'"):
            matter.predict(*pair, want=want)
