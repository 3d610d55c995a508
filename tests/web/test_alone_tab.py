"""The page's tab for photos without their scene: there where a network for it is, and its files are predict's."""
import threading

import cv2
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.reading import read_stored
from bgmatting.model import Matte
from bgmatting.web.service import Service
from bgmatting.web.settings import Settings

pytest.importorskip("gradio", reason="requirements-web.txt is not installed (gradio is missing)")
WORDS = {"en": "No plate", "zh": "无背景图"}


class Halves:
    """A network that needs no scene: the left half is subject."""

    settings = {}

    def predict(self, src, bgr, want=("pha", "fgr")):
        assert bgr is None
        pha = np.zeros(src.shape[:2], np.float32)
        pha[:, :src.shape[1] // 2] = 1
        return Matte(pha, src.astype(np.float32) / 255, None, None)


@pytest.fixture
def service(decoding):
    made = Service(Settings(), lambda: pytest.fail("the network for pairs was opened"), Halves, decoding)
    yield made
    made.close()


def titles(service, language):
    from bgmatting.web.page.build import page
    from bgmatting.web.page.mattes import Mattes
    blocks = page(service, Mattes(), None, language)
    return [part.label for part in blocks.blocks.values() if type(part).__name__ == "Tab"]


@pytest.mark.parametrize("language", ("en", "zh"))
def test_the_tab_is_there_where_its_network_is(service, language, decoding):
    assert titles(service, language)[1] == WORDS[language]
    without = Service(Settings(), Halves, None, decoding)
    try:
        assert WORDS[language] not in titles(without, language)
    finally:
        without.close()


def test_a_photo_alone_is_matted_by_its_own_network(service, tmp_path):
    from bgmatting.web.page.mattes import Mattes
    from bgmatting.web.page.photos_tab import AloneTab
    from bgmatting.web.page.texts import words
    src = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    write_image(tmp_path / "me.png", src)
    tab = AloneTab(service, Mattes(), words("zh"))
    shown = tab.show(str(tmp_path / "me.png"), "alpha", "", None, "png", 8)
    assert read_stored(shown[1]["value"]).tolist() == [[255] * 15 + [0] * 15] * 20
    asked = tab.show(None, "alpha", "", None, "png", 8)
    assert asked[0]["value"] is None and "请添加照片" in asked[2]["value"]
    (tmp_path / "no.png").write_bytes(b"nothing")
    failed = tab.show(str(tmp_path / "no.png"), "cut", "", None, "png", 8)[2]["value"]
    assert "未能完成" in failed and "no.png" in failed and str(tmp_path) not in failed


def test_networks_are_opened_in_one_thread_that_stays(decoding):
    seen = []
    service = Service(Settings(), lambda: seen.append(threading.current_thread()) or Halves(),
                      lambda: seen.append(threading.current_thread()) or Halves(), decoding)
    try:
        for opens in (service.matter, service.alone, service.alone):
            asker = threading.Thread(target=opens)
            asker.start()
            asker.join()
        assert len(seen) == 2 and seen[0] is seen[1] and seen[0].is_alive()
    finally:
        service.close()


def test_another_backdrop_is_not_matted_again(service, tmp_path, monkeypatch):
    from bgmatting.web.page.mattes import Mattes
    from bgmatting.web.page.photos_tab import AloneTab
    from bgmatting.web.page.texts import words
    asked, predict = [], Halves.predict
    monkeypatch.setattr(Halves, "predict", lambda self, *given: asked.append(1) or predict(self, *given))
    write_image(tmp_path / "me.png", np.full((20, 30, 3), 90, np.uint8))
    tab = AloneTab(service, Mattes(), words("en"))
    files = [tab.show(str(tmp_path / "me.png"), view, "#ff0000", None, form, 8)[1]["value"]
             for view, form in (("cut", "png"), ("colour", "png"), ("alpha", "webp"))]
    assert len(set(files)) == 3 and len(asked) == 1


def test_16_bits_of_the_source_reach_the_file(service, tmp_path):
    from bgmatting.web.page.mattes import Mattes
    from bgmatting.web.page.photos_tab import AloneTab
    from bgmatting.web.page.texts import words
    src = (np.arange(600, dtype=np.uint16) * 100).reshape(20, 30, 1).repeat(3, 2)
    write_image(tmp_path / "deep.png", src)
    shown = AloneTab(service, Mattes(), words("en")).show(str(tmp_path / "deep.png"), "cut", "", None, "png", 16)
    found = cv2.imread(shown[1]["value"], cv2.IMREAD_UNCHANGED)  # gray, so that the order of colours is nothing
    assert found.dtype == np.uint16 and np.array_equal(found[:, :15, :3], src[:, :15])
