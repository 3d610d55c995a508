"""What `import bgmatting` offers, used as the documents say."""
import shutil

import numpy as np
import pytest
from PIL import Image

import bgmatting
from bgmatting.media import read_gray, read_photo
from bgmatting.prediction.source import SAMPLE
from tests.media.video.clips import make_clip

SRC, BGR = SAMPLE


def test_every_name_is_there():
    for name in bgmatting.__all__:
        assert getattr(bgmatting, name).__name__ == name
    assert set(bgmatting.__all__) <= set(dir(bgmatting))
    with pytest.raises(AttributeError):
        _ = bgmatting.nothing


@pytest.fixture(scope="module")
def matter():
    with bgmatting.Matter(align="off", exposure="off", fill=True) as matter:
        yield matter


def test_arrays_images_and_paths_are_one_to_predict(matter):
    wanted = matter.predict(str(SRC), str(BGR))
    assert isinstance(wanted, bgmatting.Matte)
    for convert in (read_photo, Image.open):
        assert np.array_equal(matter.predict(convert(SRC), convert(BGR)).pha, wanted.pha)


def test_files_hold_what_predict_returns(matter, tmp_path):
    """Of one photo, of a folder of photos, and of a video."""
    options = bgmatting.Options(bgr=BGR, align="off", exposure="off", type=("pha",))
    wanted = matter.predict(SRC, BGR, want=("pha",), dtype="uint8").pha
    one = bgmatting.matte_photo(SRC, options, matter, output=str(tmp_path / "one"))
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(SRC, folder)
    many = bgmatting.matte_photos(folder, options, matter, output=str(tmp_path / "many"))
    assert len(one.paths) == len(many.paths) == 1
    assert all(np.array_equal(read_gray(path), wanted) for path in (*one.paths, *many.paths))
    make_clip(tmp_path / "clip.mp4", 3)
    video = bgmatting.matte_video(tmp_path / "clip.mp4", options, matter, bgr="first:1", output=str(tmp_path / "video"))
    assert video.done == 3 and [path.name for path in video.paths] == ["clip_pha.mp4"]
