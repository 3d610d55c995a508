import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from bgmatting.evaluation.page import write_page
from bgmatting.evaluation.page.__main__ import main
from bgmatting.evaluation.page.cases import error_map
from bgmatting.evaluation.page.charts import axis, nice_steps
from bgmatting.utils.errors import UserError

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """The tags of a page with their attributes, the text of each, and whether they are nested soundly."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.open, self.sound = [], [], [], True
        self.feed(text)
        self.sound = self.sound and not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.sound = self.sound and bool(self.open) and self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def read(folder):
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_what_the_page_holds(evaluation):
    folder = evaluation()
    assert write_page(folder) == (folder / "index.html", folder / "sheet.png")
    text, page = (folder / "index.html").read_text(encoding="utf-8"), read(folder)
    assert page.sound
    assert len(page.all("script")) == 1 and "src" not in page.all("script")[0]
    sources = [image["src"] for image in page.all("img") if "src" in image]
    assert len(sources) == 5 * 6 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not page.all("link") and not re.search(r'(src|href)="(?!data:)', text)
    words = " ".join(data for _, data in page.text)
    for word in ("Matting results: Made", "5 images, 2 methods", "python eval.py --x 1", "ten steps", "3.11", "backend",
                 "keying is better than network on 0 of 5 images and worse on 5; its mean error is 1.000 higher"):
        assert word in words
    assert ("b", "3.000") in page.text and ("td", "4.000") in page.text  # the lower mean is bold
    found = [re.fullmatch(r"([\d.]+) to ([\d.]+)", data) for tag, data in page.text if tag == "small"]
    low, high = map(float, next(match for match in found if match).groups())
    assert 1.5 < low < 2.4 and 3.6 < high < 4.5


def test_without_pictures_and_with_one_method(evaluation):
    folder = evaluation(pictures=False)
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    del content["methods"]["keying"]
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    write_page(folder)
    page = read(folder)
    words = " ".join(data for _, data in page.text)
    assert page.sound and "5 images, 1 method;" in words and len(page.all("svg")) == 5
    assert "No images were kept" in words and "against" not in words


@pytest.mark.parametrize("bad", ('"><script>alert(1)</script>', "a' onload='alert(1)</title></svg>", "&lt;b&gt; &amp;"))
def test_names_are_text_and_nothing_else(evaluation, bad):
    plain, named = evaluation("plain"), evaluation("named", [bad, "9.png", "b.png", "a.png", "e"], dataset=bad, command=bad,
                                                   protocol={bad: bad}, versions={bad: [bad]})
    for folder in (plain, named):
        write_page(folder)
    usual, page = read(plain), read(named)
    assert page.sound
    assert [tag for tag, _ in page.tags if tag not in ("dt", "dd")] == [tag for tag, _ in usual.tags
                                                                       if tag not in ("dt", "dd")]
    assert [sorted(attributes) for tag, attributes in page.tags if tag == "img"] == [
        sorted(attributes) for tag, attributes in usual.tags if tag == "img"]
    assert ("th", bad) in page.text and any(bad in data for tag, data in page.text if tag == "title")


def test_a_missing_or_damaged_picture_leaves_a_gap(evaluation):
    folder = evaluation()
    (folder / "pictures/0_src.png").unlink()
    (folder / "pictures/1_network.png").write_bytes(b"no image")
    write_page(folder)
    page = read(folder)
    assert len([image for image in page.all("img") if "src" in image]) == 30 - 3  # the matte and its error map
    assert sum(data == "no image" for _, data in page.text) == 3


def test_command_line(evaluation, capsys, tmp_path):
    one, two = evaluation("one"), evaluation("two", factor=2.0)
    main([str(one)])
    assert (one / "index.html").is_file() and str(one / "sheet.png") in capsys.readouterr().out
    main([str(one), str(two)])
    words = " ".join(data for _, data in read(tmp_path / "compare").text)
    assert "network (two) is better than network (one) on 0 of 5 images" in words
    main([str(one), str(two), "--output", str(tmp_path / "other")])
    assert (tmp_path / "other/sheet.png").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write into .*file"):
        main([str(one), "--output", str(tmp_path / "file")])


def test_error_map():
    truth = np.array([[0, 128, 255, 255]], np.uint8)
    pha = np.array([[0, 0, 255, 55]], np.uint8)
    trimap = np.array([[128, 128, 128, 0]], np.uint8)
    found = error_map(pha, truth, trimap).astype(int)
    assert found[0, 0].max() < 10 and found[0, 2].max() < 10          # right: black
    assert found[0, 1, 0] > 240 and found[0, 1, 1] > 240              # off by a half: the brightest colour
    assert found[0, 3, 0] == found[0, 3, 1] == found[0, 3, 2] == 102  # not counted: gray
    assert error_map(pha, truth[:, :2]) is None and error_map(None, truth) is None


def test_axes():
    assert nice_steps(0, 7.9) == [0, 2, 4, 6]
    assert nice_steps(0, 0.043) == [0, 0.01, 0.02, 0.03, 0.04]
    place, marks, log = axis(1.0, 8.0)
    assert not log and place(8) > place(1) > place(0) and marks[0][1] == "0"
    place, marks, log = axis(0.1, 100.0)
    assert log and place(100) - place(10) == pytest.approx(place(1) - place(0.1))
    assert axis(3.0, 3.0)[0](3.0) > 0 and axis(0.0, 0.0)[0](0.0) > 0
    assert not axis(0.0, 100.0)[2]


def test_names_that_turn_the_direction_of_writing_are_shown_as_they_are(evaluation):
    folder = evaluation(names=["a\u202egpj.png", "b\u2066\x1b[2J.png", "c\u200f\x85.png", "د.png"])
    write_page(folder)
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert not set("\u202e\u2066\u200f\x1b\x85") & set(text) and "د.png" in text
    for shown in ("a\\u202egpj.png", "b\\u2066\\x1b[2J.png", "c\\u200f\\x85.png"):
        assert shown in text, shown
