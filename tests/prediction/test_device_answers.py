"""Where the work is done on a device, predict.py asks for bytes, and writes what it writes on the host."""
from functools import partial

import cv2
import numpy as np
import paddle
import pytest

from bgmatting import model
from bgmatting.media import write_image
from bgmatting.model import Matter, MattingRefine
from bgmatting.model.inference.device_matting import DeviceMatting
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, WIDTH, make_clip
from tests.model.inference.engine_cases import photos
from tests.prediction.command import run

EXACT = int(cv2.__version__.split(".")[0]) >= 5  # before, OpenCV rounds places to a 32nd of a pixel on the host


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """src.png, bgr.png, and a film of three frames."""
    root = tmp_path_factory.mktemp("pair")
    src, bgr = photos(64, 96)
    write_image(root / "src.png", src)
    write_image(root / "bgr.png", bgr)
    write_image(root / "room.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    make_clip(root / "clip.mp4", 3)
    return root


@pytest.fixture
def came_back(monkeypatch):
    """on_device(): from then on predict.py does its work on the device; the list of {part: dtype} that came back."""
    seen, real = [], DeviceMatting.__call__

    def call(*args, **more):
        matte = real(*args, **more)
        seen.append({name: str(value.dtype) for name, value in matte._asdict().items() if value is not None})
        return matte

    def on_device():
        monkeypatch.setattr(DeviceMatting, "__call__", call)
        monkeypatch.setattr(model, "Matter", partial(Matter, on_device=True), raising=False)
        return seen

    return on_device


def predicted(folder, output, *flags):
    """{name: array} of the pictures that the pair gives."""
    flags = ("--src", folder / "src.png", "--bgr", folder / "bgr.png", "--align", "off", "--exposure", "off", *flags)
    assert run(*flags, "--backend", "paddle", "--device", "cpu", "--output", output) == 0
    return {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int) for path in output.iterdir()}


@pytest.mark.parametrize("flags, parts, dtype, most", [
    (("--type", "pha", "com", "err", "ref"), ("pha", "fgr", "err", "ref"), "uint8", 1),
    (("--target-bgr", "white", "--type", "com"), ("pha", "fgr"), "uint8", 2),  # alpha and colour are rounded, and then com
    (("--bit-depth", "16", "--type", "pha", "fgr"), ("pha", "fgr"), "float16", 65535 / 2000 if EXACT else 65535 / 20)])
def test_photos(folder, tmp_path, came_back, flags, parts, dtype, most):
    host = predicted(folder, tmp_path / "host", *flags)
    seen = came_back()
    device = predicted(folder, tmp_path / "device", *flags)
    assert seen == [dict.fromkeys(parts, dtype)] and host.keys() == device.keys()
    for name, picture in device.items():
        colour = picture[..., :3][picture[..., 3] > 1] - host[name][..., :3][picture[..., 3] > 1] if picture.ndim == 3 and (
            picture.shape[2] == 4) else picture - host[name]  # under alpha 0 a cut-out has no colour
        assert picture.shape == host[name].shape and np.abs(colour).max() <= most, name


def test_the_sheet_and_large_photos(folder, tmp_path, came_back, monkeypatch):
    host = predicted(folder, tmp_path / "host", "--sheet", tmp_path / "host" / "sheet.png")
    seen = came_back()
    assert np.abs(predicted(folder, tmp_path / "one", "--sheet", tmp_path / "one" / "sheet.png")["sheet.png"]
                  - host["sheet.png"]).max() <= 2
    monkeypatch.setattr("bgmatting.prediction.photos.pipeline.LARGE", 0)  # in strips, where the host does the work
    assert np.abs(predicted(folder, tmp_path / "two")["src_pha.png"] - host["src_pha.png"]).max() <= 1
    assert [set(answer.values()) for answer in seen] == [{"uint8"}] * 2


@pytest.mark.parametrize("flags, dtype", [((), "uint8"), (("--temporal",), "float16")])
def test_films(folder, tmp_path, came_back, flags, dtype):
    seen = came_back()
    assert run("--src", folder / "clip.mp4", "--bgr", folder / "room.png", "--output", tmp_path, "--type", "pha", "com",
               "--target-bgr", "white", "--align", "off", "--exposure", "off", "--video-format", "png", "--backend",
               "paddle", "--device", "cpu", *flags) == 0
    assert seen == [{"pha": dtype, "fgr": dtype}] * 3
    pha = cv2.imread(str(sorted((tmp_path / "clip_pha").iterdir())[2]), cv2.IMREAD_UNCHANGED)
    assert pha.shape == (HEIGHT, WIDTH) and pha.std() > 10


def test_numbers_that_are_not_finite_are_said(folder, tmp_path, came_back, monkeypatch):
    came_back()
    real = MattingRefine.coarse

    def coarse(self, src, bgr):
        return tuple(found * paddle.to_tensor(float("nan")) for found in real(self, src, bgr))

    monkeypatch.setattr(MattingRefine, "coarse", coarse)
    with pytest.raises(UserError, match="not finite"):
        predicted(folder, tmp_path / "out")
