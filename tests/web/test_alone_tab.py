"""The page's tab for photos without their scene: there where a network for it is, and its files are predict's."""
import sys
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.reading import read_stored
from bgmatting.model import Matte
from bgmatting.model.inference.single import check_wanted
from bgmatting.model.methods import find_method
from bgmatting.web.service import Service
from bgmatting.web.settings import Settings

pytest.importorskip("gradio", reason="requirements-web.txt is not installed (gradio is missing)")
WORDS = {"en": "No plate", "zh": "无背景图"}


class Halves:
    """A network that needs no scene: the left half is subject."""

    settings, asked = SimpleNamespace(fill=False), 0

    def with_settings(self, **_):
        return self

    def predict(self, src, bgr, want=("pha", "fgr")):
        assert bgr is None
        Halves.asked += 1
        pha = np.zeros(src.shape[:2], np.float32)
        pha[:, :src.shape[1] // 2] = 1
        return Matte(*(part if name in want else None
                       for name, part in zip(Matte._fields, (pha, src.astype(np.float32) / 255, None, None))))


class WithoutColours(Halves):
    """As ``Halves``, of a method that finds no colours itself."""

    def predict(self, src, bgr, want=("pha", "fgr")):
        check_wanted(find_method("modnet"), want)
        return super().predict(src, bgr, want)


@pytest.fixture
def service(decoding):
    made = Service(Settings(), lambda: pytest.fail("the network for pairs was opened"), Halves, decoding)
    yield made
    made.close()


@pytest.fixture
def show(service):
    """show(...) of a tab in Chinese."""
    from bgmatting.web.page.matte_cache import MatteCache
    from bgmatting.web.page.photos_tab import AloneTab
    from bgmatting.web.page.texts import words
    return AloneTab(service, MatteCache(), words("zh")).show


@pytest.mark.parametrize("language", ("en", "zh"))
@pytest.mark.parametrize("is_there", (True, False))
def test_the_tab_is_there_where_its_network_is(service, language, is_there, monkeypatch):
    from bgmatting.web.page.build import page
    monkeypatch.setattr(service, "_open_alone", Halves if is_there else None)
    blocks = page(service, None, None, language).blocks
    assert (WORDS[language] in [part.label for part in blocks.values() if type(part).__name__ == "Tab"]) == is_there


def test_a_photo_alone_is_matted_by_its_own_network_and_not_for_each_view(show, tmp_path):
    src = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    write_image(tmp_path / "me.png", src)
    before = Halves.asked
    files = [show(str(tmp_path / "me.png"), view, "#ff0000", None, form, 8)[1]["value"]
             for view, form in (("alpha", "png"), ("colour", "png"), ("cut", "webp"), ("alpha", "png"))]
    assert read_stored(files[0]).tolist() == [[255] * 15 + [0] * 15] * 20
    assert read_stored(files[3]).tolist() == read_stored(files[0]).tolist()
    assert len(set(files)) == 4 and Halves.asked == before + 2  # another backdrop or format is no other matte; colours are
    assert show(None, "alpha", "", None, "png", 8)[0]["value"] is None
    (tmp_path / "no.png").write_bytes(b"nothing")
    failed = show(str(tmp_path / "no.png"), "cut", "", None, "png", 8)[2]["value"]
    assert "no.png" in failed and str(tmp_path) not in failed


def test_alpha_needs_no_colours(show, service, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_open_alone", WithoutColours)
    monkeypatch.setitem(sys.modules, "pymatting", None)
    write_image(tmp_path / "me.png", np.full((20, 30, 3), 99, np.uint8))
    path = str(tmp_path / "me.png")
    alpha, cut, again = (show(path, view, "", None, "png", 8)[1]["value"] for view in ("alpha", "cut", "alpha"))
    assert cut is None and read_stored(alpha).tolist() == read_stored(again).tolist() == [[255] * 15 + [0] * 15] * 20


def test_16_bits_of_the_source_reach_the_file(show, tmp_path):
    src = (np.arange(600, dtype=np.uint16) * 100).reshape(20, 30, 1).repeat(3, 2)
    write_image(tmp_path / "deep.png", src)
    shown = show(str(tmp_path / "deep.png"), "cut", "", None, "png", 16)
    found = cv2.imread(shown[1]["value"], cv2.IMREAD_UNCHANGED)  # gray, so that the order of colours is nothing
    assert found.dtype == np.uint16 and np.array_equal(found[:, :15, :3], src[:, :15])


def test_networks_are_opened_in_one_thread_that_stays(decoding):
    seen = []

    def opened():
        seen.append(threading.current_thread())
        return Halves()
    service = Service(Settings(), opened, opened, decoding)
    for opens in (service.matter, service.alone, service.alone):
        asker = threading.Thread(target=opens)
        asker.start()
        asker.join()
    assert len(seen) == 2 and seen[0] is seen[1] and seen[0].is_alive()
    service.close()
