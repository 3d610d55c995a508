"""The page in a real browser: what is seen at once, what is downloaded, both languages, a phone, errors and their cures."""
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from media import write_image
from tests.web.browser import FLAGS, find_browser, served
from utils.files import PROJECT

pytest.importorskip("gradio", reason="requirements-web.txt is not installed (gradio is missing)")
SAMPLE = PROJECT / "image" / "sample"
WAIT = 60_000  # milliseconds
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a server with the starter weights."""
    find_browser()
    with served(tmp_path_factory.mktemp("server") / "log.txt") as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    path = find_browser()
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser, address):
    """visit(path="/", **options of a browser's context) -> page; what it asks of other hosts fails the test."""
    contexts, outside, wrong = [], [], []

    def go(path="/", **options):
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("request", lambda asked: asked.url.startswith((address, "data:", "blob:")) or outside.append(asked.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert outside == [] and wrong == []


def matted(page):
    """Wait for the sample's matte, or the next one."""
    page.locator("#photo-result").scroll_into_view_if_needed()  # its pictures are loaded where they are looked at
    page.wait_for_function("() => { const image = [...document.querySelectorAll('#photo-result img')].at(-1);"
                           "return image && image.complete && image.naturalWidth; }")
    page.wait_for_function("() => { const link = document.querySelector('#photo-download');"
                           "return link && !link.disabled && link.getAttribute('aria-disabled') !== 'true'; }")


def downloaded(page):
    """(name, bytes) of what the button gives."""
    with page.expect_download(timeout=WAIT) as waiting:
        page.click("#photo-download")
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def predicted(tmp_path, name, *flags, src=SAMPLE / "src.jpg", bgr=SAMPLE / "bgr.jpg"):
    """Bytes of what predict.py writes."""
    subprocess.run([sys.executable, str(PROJECT / "predict.py"), "--src", str(src), "--bgr", str(bgr), "--output",
                    str(tmp_path / name), *flags], check=True, capture_output=True)
    return (tmp_path / name).read_bytes()


def test_the_sample_is_there_at_once_and_its_download_is_the_file_of_predict(visit, tmp_path):
    page = visit()
    matted(page)
    assert page.url.endswith("/en/") and page.title() == "Background matting"
    name, data = downloaded(page)
    assert name == "src_com.png"
    assert data == predicted(tmp_path, "me.png")


def test_a_backdrop_is_changed_without_matting_again(visit, tmp_path):
    page = visit()
    matted(page)
    before = page.get_attribute("#photo-result img >> nth=-1", "src")
    page.get_by_label("Over the blurred scene").check()
    page.wait_for_function("(old) => [...document.querySelectorAll('#photo-result img')].at(-1).src !== old", arg=before)
    matted(page)
    assert downloaded(page)[1] == predicted(tmp_path, "blur.png", "--target-bgr", "blur")
    page.get_by_label("TIFF").check()
    end = time.monotonic() + WAIT / 1000
    name, data = downloaded(page)
    while not name.endswith(".tif") and time.monotonic() < end:  # until the new file is there, the button gives the old one
        page.wait_for_timeout(500)
        name, data = downloaded(page)
    assert name == "src_com.tif" and data == predicted(tmp_path, "blur.tif", "--target-bgr", "blur")


def uploaded(page, which, path):
    """Put a file into the place of src or bgr, whatever is there."""
    page.set_input_files(f"#photo-{which} input[type=file]", str(path))
    page.wait_for_selector(f"#photo-{which} img")


def test_photos_of_two_sizes_are_told_and_cured(visit, tmp_path):
    page = visit()
    matted(page)
    small = cv2.resize(cv2.imread(str(SAMPLE / "bgr.jpg")), (600, 450))
    write_image(tmp_path / "room.png", np.ascontiguousarray(small[..., ::-1]))
    uploaded(page, "bgr", tmp_path / "room.png")
    said = page.wait_for_selector("#photo-message [role=alert]").inner_text()
    assert "but its background room.png is 600x450; both should be" in said and "/tmp" not in said
    assert page.is_visible("#photo-cure-crop") and not page.is_visible("#photo-cure-swap")
    page.click("#photo-cure-resize")
    page.wait_for_selector("#photo-message [role=alert]", state="detached")
    matted(page)
    expected = predicted(tmp_path, "fitted.png", "--fit", "resize", bgr=tmp_path / "room.png")
    assert downloaded(page)[1] == expected


def test_a_wrong_pair_is_told_with_the_button_that_swaps(visit, tmp_path):
    page = visit()
    matted(page)
    rng = np.random.default_rng(2)
    other = cv2.resize(rng.integers(0, 255, (30, 40, 3), np.uint8), cv2.imread(str(SAMPLE / "src.jpg")).shape[1::-1])
    write_image(tmp_path / "other.png", other)
    uploaded(page, "bgr", tmp_path / "other.png")
    page.wait_for_selector("#photo-cure-swap")
    assert "bgr does not look like the scene of src" in page.inner_text("#photo-message")


def test_what_is_no_photo_is_told(visit, tmp_path):
    page = visit()
    matted(page)
    (tmp_path / "me.jpg").write_bytes(b"\xff\xd8" + bytes(3000))
    page.set_input_files("#photo-src input[type=file]", str(tmp_path / "me.jpg"))
    assert "me.jpg" in page.wait_for_selector("#photo-message [role=alert]").inner_text()


def test_a_chinese_browser_gets_chinese(visit):
    page = visit(locale="zh-CN")
    matted(page)
    assert page.url.endswith("/zh/") and page.evaluate("document.documentElement.lang") == "zh-CN"
    assert "背景抠图" in page.inner_text("h1") and page.get_by_role("tab", name="摄像头").is_visible()
    page.click("text=English")
    matted(page)
    assert page.url.endswith("/en/")


def test_a_phone_needs_no_scrolling_sideways(visit):
    page = visit(**PHONE)
    matted(page)
    for tab in ("Video", "Camera", "Many", "Photos"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab


def test_a_keyboard_is_enough(visit):
    page = visit()
    matted(page)
    page.get_by_role("tab", name="Photos").focus()
    page.keyboard.press("Tab")
    seen = set()
    for _ in range(60):
        seen.add(page.evaluate("document.activeElement.closest('[id^=photo-]')?.id"))
        page.keyboard.press("Tab")
    assert {"photo-src", "photo-bgr", "photo-swap", "photo-view", "photo-format", "photo-download"} <= seen


def test_a_screen_reader_finds_nothing_serious(visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                              reason="axe-playwright-python is not installed (requirements-dev.txt)")
    page = visit()
    matted(page)
    found = []
    for tab in ("Photos", "Video", "Camera", "Many"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(400)
        violations = axe.Axe().run(page).response["violations"]
        found += [f"{tab}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations
                  if one["impact"] in ("serious", "critical")]
    assert found == []


def test_the_camera_takes_the_background_and_is_live(visit):
    page = visit(permissions=["camera"])
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


def test_a_film_shows_its_progress_and_plays(visit, tmp_path):
    av = pytest.importorskip("av")
    plate = cv2.resize(cv2.imread(str(SAMPLE / "bgr.jpg")), (160, 120))[..., ::-1]
    write_image(tmp_path / "plate.png", np.ascontiguousarray(plate))
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(24):
            image = plate.copy()
            image[40:100, 4 * number:4 * number + 40] = (200, 60, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    page = visit()
    matted(page)
    page.get_by_role("tab", name="Video").click()
    page.click("#video-start")
    assert "Add a film first." in page.wait_for_selector("#video-progress [role=alert]").inner_text()
    page.set_input_files("#video-src input[type=file]", str(tmp_path / "clip.mp4"))
    page.set_input_files("#video-plate input[type=file]", str(tmp_path / "plate.png"))
    page.wait_for_selector("#video-src video")
    page.wait_for_selector("#video-plate >> text=plate")
    page.click("#video-start")
    page.wait_for_selector("#video-result video")
    assert page.evaluate("async () => { const film = document.querySelector('#video-result video'); film.muted = true;"
                         "await film.play(); return [film.videoWidth, Math.round(film.duration)]; }") == [160, 2]
    with page.expect_download() as waiting:
        page.click("#video-result a.download")
    assert waiting.value.suggested_filename == "clip_com.webm"
