"""The results page in a real browser: Chromium without a window, where one is installed."""
import base64
import hashlib
import html
import json
import re
import shutil
import subprocess

import pytest

from bgmatting.evaluation.page import write_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here")

WATCH = """
window.seen = [];
addEventListener("error", (event) => seen.push("error: " + event.message));
addEventListener("securitypolicyviolation", (event) => seen.push("policy: " + event.violatedDirective));
console.error = (...words) => seen.push("console: " + words.join(" "));
"""

PROBE = """
addEventListener("load", () => {  // after all pictures; nothing here waits, so that the page is read out afterwards
  const images = [...document.querySelectorAll("img[src]")];
  const table = document.querySelector("table.sortable"), heads = [...table.tHead.rows[0].cells];
  const rows = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
  const found = { widths: images.map((image) => image.naturalWidth), title: document.title, orders: {}, marks: {} };
  found.heads = heads.map((head) => head.textContent);
  found.before = rows();
  for (const column of CLICKS) {
    heads[column].querySelector("button").click();
    const key = column + (heads[column].getAttribute("aria-sort") === "ascending" ? "up" : "down");
    found.orders[key] = rows();
    found.marks[key] = heads.map((head) => head.getAttribute("aria-sort")).filter((mark) => mark !== "none");
  }
  const button = heads[1].querySelector("button");
  button.focus();
  found.focused = document.activeElement === button && button.tabIndex === 0;
  found.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  const zoom = document.querySelector(".zoom"), large = document.getElementById("large");
  if (zoom) {
    zoom.click();
    found.large = [large.open, large.querySelector("img").src === zoom.querySelector("img").src];
    large.close();
  }
  found.paper = getComputedStyle(document.body).backgroundColor;
  found.seen = seen;
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
"""


def probe(folder, clicks=(), width=1280, flags=()):
    """Open a copy of the page that looks at itself, and return what it saw. The page's policy stays in force."""
    watch, script = WATCH, PROBE.replace("CLICKS", json.dumps(list(clicks)))
    allowed = "".join(f" 'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'"
                      for one in (watch, script))
    page = (folder / "index.html").read_text(encoding="utf-8")
    page, count = re.subn(r"script-src ", lambda _: "script-src" + allowed + " ", page, count=1)
    assert count == 1
    page = page.replace("<title>", f"<script>{watch}</script><title>", 1)
    page = page.replace("</body>", f"<script>{script}</script></body>")
    copy = folder / "probed.html"
    copy.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
               "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900",
               *flags, "--dump-dom", copy.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120)
    text = done.stdout.decode("utf-8")
    assert 'id="probe"' in text, done.stderr.decode("utf-8", "replace")[-2000:]
    found = json.loads(html.unescape(text.split('<pre id="probe">')[1].split("</pre>")[0]))
    found["console"] = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    return found


def test_pictures_load_and_tables_sort(evaluation):
    folder = evaluation()
    write_page(folder)
    found = probe(folder, clicks=(0, 0, 1, 1, 9))
    assert len(found["widths"]) == 30 and set(found["widths"]) == {80}
    assert found["seen"] == [] and found["console"] == []
    assert found["heads"][:3] == ["image", "SADnetwork", "SADkeying"] and found["heads"][9] == "FG MSE ×1000network"
    assert found["before"] == ["10.png", "9.png", "b.png", "a.png", "c d/é.png"]
    assert found["orders"]["0up"] == ["9.png", "10.png", "a.png", "b.png", "c d/é.png"]  # numbers within names count
    assert found["orders"]["0down"] == found["orders"]["0up"][::-1]
    assert found["orders"]["1up"] == ["9.png", "a.png", "b.png", "c d/é.png", "10.png"]
    assert found["orders"]["1down"] == found["orders"]["1up"][::-1]
    assert found["orders"]["9up"] == found["orders"]["1up"]
    assert found["marks"] == {"0up": ["ascending"], "0down": ["descending"], "1up": ["ascending"],
                              "1down": ["descending"], "9up": ["ascending"]}
    assert found["focused"] and found["large"] == [True, True] and found["paper"] == "rgb(255, 255, 255)"


def test_numbers_sort_as_numbers_and_missing_ones_last(evaluation):
    folder = evaluation(pictures=False)
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for row, value in zip(content["methods"]["network"]["images"], (9.0, 10.0, None, 1e-7, 1200.0)):
        row["sad"] = value
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    write_page(folder)
    found = probe(folder, clicks=(1, 1))
    assert found["orders"]["1up"] == ["a.png", "10.png", "9.png", "c d/é.png", "b.png"]
    assert found["orders"]["1down"] == ["c d/é.png", "9.png", "10.png", "a.png", "b.png"]
    assert found["seen"] == [] and found["console"] == []


def test_nothing_that_a_name_holds_is_run(evaluation):
    bad = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    folder = evaluation(names=[bad, "9.png", "b.png"], dataset="Made")
    write_page(folder)
    found = probe(folder)
    assert found["before"][0] == bad and found["title"] == "Matting results: Made"
    assert found["seen"] == [] and found["console"] == [] and set(found["widths"]) == {80}


def test_a_phone_and_the_dark(evaluation):
    folder = evaluation(names=["a_very_long_name_without_any_space_" * 4 + ".png", "b", "c"])
    write_page(folder)
    found = probe(folder, width=500, flags=("--force-dark-mode",))
    assert not found["wide"]
    assert found["paper"] == "rgb(19, 21, 24)"
