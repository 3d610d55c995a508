"""Files in place of a camera that name other files: nothing that lies beside them is opened."""
import os

import pytest

from bgmatting.prediction.camera import capture
from bgmatting.utils.errors import UserError
from tests.prediction.camera.scenes import make_clip, picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("films")
    make_clip(made / "clip.mp4", [picture(index) for index in range(3)])
    return made


@pytest.mark.parametrize("words", ("ffconcat version 1.0\nfile clip.mp4\n",
                                   "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\nclip.mp4\n#EXT-X-ENDLIST\n"))
@pytest.mark.parametrize("name", ("list.mp4", "list.m3u8"))
def test_a_playlist_stands_in_for_no_camera(folder, monkeypatch, words, name):
    monkeypatch.chdir(folder)
    monkeypatch.delenv(capture.OPTIONS, raising=False)
    (folder / name).write_text(words)
    with pytest.raises(UserError, match="a playlist of others"):
        capture.open_source(f"camera:{name}", False)
    assert capture.OPTIONS not in os.environ
    (folder / name).unlink()
    found = capture.open_source("camera:clip.mp4", False)
    assert found.next() is not capture.END
    found.close()
