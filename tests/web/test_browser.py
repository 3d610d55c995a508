"""The page in a real browser: what is seen at once, what is downloaded, all tabs, both languages, errors and cures."""
import io
import time
import urllib.request
import zipfile

import cv2
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import read_bytes, write_image
from bgmatting.prediction import core
from tests.web.browser import FLAGS, SAMPLE, film, find_browser, proxied, sample

pytestmark = pytest.mark.slow

WAIT = 60_000  # milliseconds
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
TABS = {"en": ("No plate", "Video", "Camera", "Many", "Photos"), "zh": ("无背景图", "视频", "摄像头", "批量", "照片")}
SENT = ("src", "bgr", "view", "colour", "behind", "form", "bits", "fit", "align", "exposure")  # for the matte of a pair
ALONE = ("src", "view", "colour", "behind", "form", "bits")  # for that of a photo alone
LATE = """(() => { const fetched = window.fetch; window.fetch = async (...asked) => { const answer = await fetched(...asked);
  if (!String(asked[0].url || asked[0]).includes('queue/data')) return answer;
  const late = new TransformStream({ async transform(part, out) {
    await new Promise((done) => setTimeout(done, 700)); out.enqueue(part); } });
  return new Response(answer.body.pipeThrough(late), { status: answer.status, headers: answer.headers }); }; })();"""


@pytest.fixture(scope="module")
def browser():
    path = find_browser()
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def usual(browser):
    """The context of an English desktop: all tests share what it keeps of the page."""
    made = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900}, permissions=["camera"])
    yield made
    made.close()


@pytest.fixture
def visit(browser, usual, server):
    """visit(script=None, **options of another context) -> page; what it asks of other hosts fails the test."""
    opened, outside, wrong = [], [], []

    def go(script="", **options):
        page = (browser.new_context(**options) if options else usual).new_page()
        opened.append(page.context if options else page)
        page.set_default_timeout(WAIT)
        own = (server.address, "data:", "blob:")
        page.on("request", lambda asked: asked.url.startswith(own) or outside.append(asked.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(script)
        page.goto(server.address)
        matted(page)
        return page

    yield go
    for one in opened:
        one.close()
    assert outside == [] and wrong == []


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """predicted(name, *flags, src, bgr) -> bytes of the file that predict.py writes."""
    folder, networks, opened = tmp_path_factory.mktemp("predicted"), {}, core.open_matter

    def once(options):
        key = options.choice and options.choice.weights
        if key not in networks:
            networks[key] = opened(options)
            networks[key].close = lambda: None  # it is used again
        return networks[key]

    def run(name, *flags, src=SAMPLE / "src.jpg", bgr=SAMPLE / "bgr.jpg"):
        scene = () if bgr is None else ("--bgr", str(bgr))
        predict.main(["--src", str(src), *scene, "--output", str(folder / name), "--overwrite", *flags])
        return (folder / name).read_bytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "open_matter", once)
        yield run


def matted(page, tab="photo", url=None):
    """Wait until the tab shows a matte, that of the address ``url`` where one is given, and offers its file."""
    page.locator(f"#{tab}-result").scroll_into_view_if_needed()  # its pictures are loaded where they are looked at
    page.wait_for_function("([tab, url]) => { const image = [...document.querySelectorAll(`#${tab}-result img`)].at(-1);"
                           "return image && image.complete && image.naturalWidth && (!url || image.src === url); }",
                           arg=[tab, url])
    page.wait_for_selector(f"#{tab}-download:not([disabled]):not([aria-disabled=true])")


def changed(page, act, tab="photo", **wanted):
    """Do ``act()`` and wait for the matte of what is ``wanted``: values that the page sends, names of files."""
    names = {"photo": SENT, "alone": ALONE}[tab]

    def is_wanted(answer):
        sent = answer.request.post_data_json["data"] if "/run/" in answer.url else ()
        told = {name: value.get("orig_name") if isinstance(value, dict) else value for name, value in zip(names, sent)}
        return len(sent) == len(names) and wanted.items() <= told.items()

    with page.expect_response(is_wanted) as waiting:
        act()
    matted(page, tab, waiting.value.json()["data"][0]["value"][1]["url"])


def downloaded(page, tab="photo"):
    """(name, bytes) of what the button gives."""
    with page.expect_download(timeout=WAIT) as waiting:
        page.click(f"#{tab}-download")
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def upload(page, place, path):
    """Put a file into a place, whatever is there."""
    page.set_input_files(f"#{place} input[type=file]", str(path))


def test_the_sample_is_there_at_once_and_other_backdrops_and_files_are_those_of_predict(visit, predicted):
    page = visit()
    assert page.url.endswith("/en/") and page.title() == "Background matting"
    assert downloaded(page) == ("src_com.png", predicted("me.png"))
    seen = set()
    page.get_by_role("tab", name="Photos").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.closest('[id^=photo-]')?.id"))
    assert {"photo-src", "photo-bgr", "photo-swap", "photo-view", "photo-format", "photo-download"} <= seen
    changed(page, lambda: page.get_by_label("Over the blurred scene").check(), view="blur")
    assert downloaded(page)[1] == predicted("blur.png", "--target-bgr", "blur")
    page.get_by_label("TIFF").check()
    end = time.monotonic() + WAIT / 1000
    name, data = downloaded(page)
    while not name.endswith(".tif") and time.monotonic() < end:  # the picture stays: only the file tells
        page.wait_for_timeout(100)
        name, data = downloaded(page)
    assert name == "src_com.tif" and data == predicted("blur.tif", "--target-bgr", "blur")


def test_below_a_path_of_a_proxy(usual, server, predicted):
    with proxied(server.address, "/matting") as address:
        page, missing = usual.new_page(), []
        page.on("response", lambda answer: answer.status >= 400 and missing.append(answer.url))
        page.goto(address + "/")
        assert page.url == f"{address}/en/"
        matted(page)
        assert downloaded(page)[1] == predicted("me.png")
        page.get_by_role("tab", name="Camera").click()
        page.click("#camera-start")
        page.wait_for_selector("#camera-out[data-state=waiting]")
        page.click("text=HTTP API")
        page.wait_for_selector(f"text={address}/v1/mattes")
        page.close()
    assert missing == []


def test_what_is_wrong_with_a_pair_is_told_and_cured(visit, predicted, tmp_path):
    page, size = visit(), sample().shape[1::-1]
    shift, noise = np.float32([[1, 0, 14], [0, 1, 9]]), np.random.default_rng(2).integers(0, 255, (30, 40, 3), np.uint8)
    for name, image in (("small", cv2.resize(sample(), (600, 450))), ("other", cv2.resize(noise, size)),
                        ("moved", cv2.warpAffine(sample(), shift, size, borderMode=cv2.BORDER_REPLICATE))):
        write_image(tmp_path / f"{name}.png", image)
    upload(page, "photo-bgr", tmp_path / "small.png")
    said = page.wait_for_selector("#photo-message [role=alert]").inner_text()
    assert "small.png is 600x450" in said and "/tmp" not in said
    assert page.is_visible("#photo-cure-crop") and not page.is_visible("#photo-cure-swap")
    changed(page, lambda: page.click("#photo-cure-resize"), fit="resize")
    assert not page.is_visible("#photo-message") and not page.is_visible("#photo-cure-crop")
    assert downloaded(page)[1] == predicted("fitted.png", "--fit", "resize", bgr=tmp_path / "small.png")
    page.click("#photo-advanced button")
    changed(page, lambda: page.locator("#photo-align").get_by_label("Never").check(), align="off")
    changed(page, lambda: upload(page, "photo-bgr", tmp_path / "moved.png"), bgr="moved.png")
    assert "the camera moved between the two shots" in page.inner_text("#photo-message")
    changed(page, lambda: page.click("#photo-cure-align"), align="auto")
    assert not page.is_visible("#photo-message")
    assert downloaded(page)[1] == predicted("aligned.png", bgr=tmp_path / "moved.png")
    changed(page, lambda: upload(page, "photo-bgr", tmp_path / "other.png"), bgr="other.png")
    assert "bgr does not look like the scene of src" in page.inner_text("#photo-message")
    changed(page, lambda: page.click("#photo-cure-swap"), src="other.png", bgr="src.jpg")
    assert downloaded(page) == (
        "other_com.png", predicted("swapped.png", src=tmp_path / "other.png", bgr=SAMPLE / "src.jpg"))
    (tmp_path / "me.jpg").write_bytes(b"\xff\xd8" + bytes(3000))
    upload(page, "photo-src", tmp_path / "me.jpg")
    assert "me.jpg" in page.wait_for_selector("#photo-message [role=alert]").inner_text()


def test_a_photo_without_its_scene_is_matted_by_modnet(visit, predicted, server):
    pytest.importorskip("pymatting", reason="pymatting, which gives its colours, is not installed (requirements-extra.txt)")
    page = visit()
    page.get_by_role("tab", name="No plate").click()
    changed(page, lambda: upload(page, "alone-src", SAMPLE / "src.jpg"), "alone", src="src.jpg")
    name, data = downloaded(page, "alone")
    assert name == "src_com.png" and data == predicted("alone.png", "--weights", str(server.modnet), bgr=None)


@pytest.mark.parametrize("language, how", [("en", {}), ("zh", {"locale": "zh-CN", **PHONE})], ids=("desktop", "phone"))
def test_every_tab_can_be_read(visit, language, how):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                              reason="axe-playwright-python is not installed (requirements-dev.txt)")
    page, found = visit(**how), []
    assert page.url.endswith(f"/{language}/") and page.evaluate("document.documentElement.lang")[:2] == language
    for tab in TABS[language]:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(f"[role=tab][aria-selected=true]:has-text('{tab}')")
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], tab
        violations = axe.Axe().run(page).response["violations"]
        found += [f"{tab}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations
                  if one["impact"] in ("serious", "critical")]
    assert found == []
    page.click(f"text={'中文' if language == 'en' else 'English'}")
    page.wait_for_url(f"**/{'zh' if language == 'en' else 'en'}/")


def test_a_click_is_answered_while_answers_come_late(visit):
    page = visit(LATE)
    page.get_by_role("tab", name="Video").click()
    page.click("#video-start")
    assert "Add a video first." in page.wait_for_selector("#video-progress [role=alert]", timeout=WAIT / 4).inner_text()


def test_the_camera_takes_the_background_and_is_live(visit):
    page = visit()
    page.get_by_role("tab", name="Camera").click()
    page.click("#camera-start")
    page.wait_for_selector("#camera-out[data-state=waiting]")
    page.click("#camera-take")
    page.wait_for_selector("#camera-out[data-state=countdown]")
    page.wait_for_selector("#camera-out[data-state=matting]")
    frames = int(page.get_attribute("#camera-out", "data-frames"))
    page.wait_for_function(f"() => Number(document.querySelector('#camera-out').dataset.frames) > {frames + 2}")
    page.click("#camera-behind")
    page.click("#camera-stop")
    assert page.is_enabled("#camera-start") and page.is_disabled("#camera-take")


def test_the_camera_is_off_and_can_be_started_again_where_the_server_is_not_reached(visit):
    page = visit()
    page.get_by_role("tab", name="Camera").click()
    page.evaluate("""() => { const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => window.lent = await ask(wanted); }""")
    for answer in (lambda route: route.abort(), lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>")):
        page.route("**/v1/cameras", answer)
        page.click("#camera-start")
        page.wait_for_selector("#camera-message.error")
        page.wait_for_selector("#camera-start:enabled")
        assert page.evaluate("window.lent.getTracks().map((track) => track.readyState)") == ["ended"]
        page.unroute("**/v1/cameras")
    page.click("#camera-start")
    page.wait_for_selector("#camera-out[data-state=waiting]")
    page.click("#camera-stop")


def test_a_film_is_cancelled_and_another_plays_with_its_sound(visit, tmp_path):
    film(tmp_path / "long.mp4", 1500)
    write_image(tmp_path / "plate.png", film(tmp_path / "clip.mp4", 50))
    page = visit()
    page.get_by_role("tab", name="Video").click()
    upload(page, "video-src", tmp_path / "long.mp4")
    upload(page, "video-plate", tmp_path / "plate.png")
    page.wait_for_selector("#video-src video")
    page.wait_for_selector("#video-plate >> text=plate")
    page.click("#video-start")
    page.wait_for_selector("#video-progress progress[max='1500']")
    page.click("#video-cancel")
    page.wait_for_selector("#video-progress >> text=Cancelled.")
    page.get_by_label("Clear").first.click()
    upload(page, "video-src", tmp_path / "clip.mp4")
    page.wait_for_selector("#video-src video")
    page.click("#video-start")
    page.wait_for_selector("#video-result video")
    assert page.evaluate(
        "async () => { const film = document.querySelector('#video-result video'); film.muted = true; await film.play();"
        "return [film.videoWidth, Math.round(film.duration)]; }") == [160, 2]
    page.wait_for_function("() => document.querySelector('#video-result video').webkitAudioDecodedByteCount > 0")
    with page.expect_download() as waiting:
        page.click("#video-result a.download")
    assert waiting.value.suggested_filename == "clip_com.webm"


def test_a_zip_comes_back_with_what_failed(visit, predicted, tmp_path):
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as packed:
        packed.write(SAMPLE / "src.jpg", "src/ann.jpg")
        packed.writestr("src/bob.jpg", b"\xff\xd8" + bytes(3000))
        packed.write(SAMPLE / "bgr.jpg", "bgr/room.jpg")
    page = visit()
    page.get_by_role("tab", name="Many").click()
    upload(page, "many-zip", tmp_path / "pairs.zip")
    page.wait_for_selector("#many-zip >> text=pairs")
    page.click("#many-start")
    assert "bob.jpg" in page.wait_for_selector("#many-result .remarks").inner_text()
    with page.expect_download() as waiting:
        page.click("#many-result a.download")
    with zipfile.ZipFile(io.BytesIO(read_bytes(waiting.value.path()))) as made:
        assert made.read("com/ann.png") == predicted("ann.png") and b"bob.jpg" in made.read("failures.txt")


def test_nobody_outside_is_called(server):
    for path in ("/en/", "/zh/", "/en/config", "/docs", "/openapi.json", "/v1/info"):
        with urllib.request.urlopen(server.address + path, timeout=WAIT / 1000) as answer:
            assert answer.status == 200
    assert server.calls.read_text() == ""  # of all that was done here before, too
