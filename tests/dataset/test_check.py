"""Each planted flaw is found once, by name and of its kind; a clean set has none; exit codes are 0, 1 and 2."""
import cv2
import numpy as np
import pytest
from PIL import Image

from bgmatting.dataset.check.__main__ import main
from bgmatting.dataset.check.inspection import header_findings
from bgmatting.dataset.check.sheet import CELL, LABEL
from bgmatting.media import read_image, write_image
from tests.closed_folders import close_folder

CATALOG = """own:
  layout: fgr_pha_folders
  path: own
  splits: {train: {fgr: train/fgr, pha: train/pha}, valid: {fgr: valid/fgr, pha: valid/pha}}
bgs: {layout: backgrounds, path: bgs, splits: {train: a, valid: b}}
clips: {layout: video_pairs, path: clips, splits: {test: {fgr: fgr, pha: pha}}}
cut: {layout: rgba_folder, path: cut, folders: ., parts: {train: 0.5, valid: 0.5}}
"""


def disc(size=(60, 80), soft=3.0):
    """A round matte with an edge of ``soft`` pixels."""
    rows, columns = np.mgrid[:size[0], :size[1]]
    distance = np.hypot(rows - size[0] / 2, columns - size[1] / 2)
    return np.uint8(np.clip((20 - distance) / soft + 0.5, 0, 1) * 255)


def noise(seed, size=(60, 80)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def write_pair(root, split, name, seed, pha=None, size=(60, 80)):
    write_image(root / "own" / split / "fgr" / f"{name}.png", noise(seed, size))
    write_image(root / "own" / split / "pha" / f"{name}.png", disc(size) if pha is None else pha)


@pytest.fixture
def root(tmp_path):
    """A clean set: four items for training, two for validation."""
    (tmp_path / "c.yml").write_text(CATALOG)
    for number in range(4):
        write_pair(tmp_path, "train", f"t{number}", number, size=(60 + 10 * number, 80))
    for number in range(2):
        write_pair(tmp_path, "valid", f"v{number}", 10 + number)
    return tmp_path


def run(root, capsys, *args, name="own"):
    """(exit code, finding lines, other lines)"""
    code = main([name, "--catalog", str(root / "c.yml"), "--data-root", str(root), "--workers", "0", *args])
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if line.startswith(("error: ", "warning: "))]
    return code, found, [line for line in lines if line not in found]


def test_a_clean_set(root, capsys):
    code, found, rest = run(root, capsys)
    assert code == 0 and found == []
    assert [line.split() for line in rest if line[:5] in ("train", "valid")] == [
        ["train", "4", "4", "80x60", "80x80", "80x90", "0", "0"],
        ["valid", "2", "2", "80x60", "80x60", "80x60", "0", "0"]]


@pytest.mark.parametrize("pha, kind", [
    (np.zeros((60, 80), np.uint8), "empty alpha"), (np.full((60, 80), 255, np.uint8), "full alpha"),
    (np.uint8(disc() > 127) * 255, "binary alpha"), (255 - disc(), "inverted alpha"),
])
def test_alphas_that_are_no_mattes(root, capsys, pha, kind):
    write_pair(root, "train", "t1", 1, pha)
    code, found, rest = run(root, capsys)
    assert code == 0 and len(found) == 1
    assert found[0].startswith(f"warning: {kind}: {root / 'own' / 'train' / 'pha' / 't1.png'} ")
    assert f"warning  {kind}  train 1" in rest


def test_unusable_files(root, capsys):
    pha = root / "own" / "train" / "pha"
    write_image(pha / "t1.png", disc((50, 80)))
    data = (pha / "t2.png").read_bytes()
    (pha / "t2.png").write_bytes(data[:len(data) // 2])
    (pha / "t3.png").write_bytes(b"")
    code, found, rest = run(root, capsys)
    assert code == 1 and len(found) == 3 and all(line.startswith("error: unusable: ") for line in found)
    assert "t1.png is 80x50, but" in found[0] and "t2.png is cut short" in found[1] and "t3.png" in found[2]
    assert ["train", "4", "4", "80x60", "80x60", "80x60", "3", "0"] in [line.split() for line in rest]


def test_folders_that_may_not_be_read_and_files_without_a_partner_do_not_stop_the_rest(root, capsys, monkeypatch):
    write_pair(root, "train", "clip/0", 50)
    write_pair(root, "train", "t1", 1, np.zeros((60, 80), np.uint8))
    closed = root / "own" / "train" / "pha" / "clip"
    close_folder(monkeypatch, closed)
    (root / "own" / "train" / "pha" / "t0.png").unlink()
    code, found, _ = run(root, capsys)
    assert code == 1 and found[0] == f"error: unreadable folder: cannot list {closed}: Permission denied."
    files = [root / "own" / "train" / "fgr" / name for name in ("clip/0.png", "t0.png")]
    assert found[1:3] == [f"error: unpaired: {file} has no partner." for file in files]
    assert found[3].startswith("warning: empty alpha") and len(found) == 4


def test_duplicates_and_what_is_in_two_splits(root, capsys):
    for frame in range(3):
        write_pair(root, "train", f"clip/{frame}", 50)  # a still moment of a clip is no duplicate
    write_pair(root, "train", "t4", 0)
    write_pair(root, "valid", "v0", 1, size=(70, 80))
    assert run(root, capsys)[:2] == (1, ["warning: duplicate: t4 shows the same image as t0.",
                                         "error: shared image: valid: v0 is also in train: t1."])


def test_subjects_in_two_splits(root, capsys):
    write_pair(root, "valid", "t1", 99)
    code, found, _ = run(root, capsys)
    assert code == 1 and len(found) == 1 and found[0].startswith("error: shared subjects: own: train and valid")
    (root / "c.yml").write_text(CATALOG.replace("path: own\n", "path: own\n  names_are_subjects: false\n"))
    assert run(root, capsys)[:2] == (0, [])


def test_how_a_file_is_stored(tmp_path, recwarn, monkeypatch):
    deep, lying, ink, plain, large = (str(tmp_path / name) for name in ("d.png", "l.jpg", "i.jpg", "p.png", "large.jpg"))
    cv2.imwrite(deep, np.full((4, 4, 3), 30000, np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(lying, exif=exif)
    Image.new("CMYK", (8, 6)).save(ink)
    Image.new("RGBA", (8, 6)).save(plain)
    Image.new("CMYK", (300, 300)).save(large)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)  # 90,000 are above it, and below its double
    found = [[finding.kind for finding in header_findings(file)] for file in (deep, lying, ink, plain, large, "none.png")]
    assert found == [["16 bit"], ["turned by EXIF"], ["CMYK"], [], ["CMYK"], []]
    assert not recwarn.list


def test_backgrounds(root, capsys):
    for folder, names in (("a", ("x", "in/x", "y")), ("b", ("z",))):
        for name in names:
            write_image(root / "bgs" / folder / f"{name}.png", noise(7 if name.endswith("x") else ord(name)))
    (root / "bgs" / "a" / "bad.jpg").write_bytes(b"no image")
    code, found, rest = run(root, capsys, name="bgs")
    assert code == 1 and len(found) == 2
    assert "bad.jpg" in found[0] and found[1] == "warning: duplicate: x.png shows the same image as in/x.png."
    assert ["valid", "1", "1", "80x60", "80x60", "80x60", "0", "0"] in [line.split() for line in rest]


def test_videos_name_the_frame(root, capsys):
    for kind in ("fgr", "pha"):
        (root / "clips" / kind).mkdir(parents=True)
        writer = cv2.VideoWriter(str(root / "clips" / kind / "a.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (80, 60))
        for frame in range(4):
            image = disc() * (frame != 2)
            writer.write(np.repeat(image[..., None], 3, axis=2))
        writer.release()
    code, found, rest = run(root, capsys, name="clips")
    assert code == 0 and found == [
        f"warning: empty alpha: {root / 'clips' / 'pha' / 'a.mp4'} frame 2 is transparent all over."]
    assert ["test", "4", "1", "80x60", "80x60", "80x60", "0", "1"] in [line.split() for line in rest]


def test_cutouts(root, capsys):
    for number in range(6):
        write_image(root / "cut" / f"{number}.png", np.dstack([noise(number), disc()]))
    assert run(root, capsys, name="cut")[:2] == (0, [])
    write_image(root / "cut" / "4.png", noise(4))
    code, found, _ = run(root, capsys, name="cut")
    assert code == 1 and len(found) == 1 and "4.png has no alpha" in found[0]


def test_many_findings_are_cut_short_unless_all_are_wanted(root, capsys):
    for number in range(30):
        write_pair(root, "train", f"e{number:02d}", number, np.zeros((60, 80), np.uint8))
    _, found, rest = run(root, capsys)
    assert len(found) == 21 and "--all" in found[-1]
    assert "warning  empty alpha  train 30" in rest
    assert len(run(root, capsys, "--all")[1]) == 30


def test_workers_find_the_same_and_a_jpeg_damaged_inside(root, capfd):
    """More items than fit the chunks in flight; what libjpeg itself prints is not seen."""
    (root / "own" / "train" / "pha" / "t3.png").write_bytes(b"")
    for number in range(100):
        write_pair(root, "train", f"u{number}", number, np.zeros((60, 80), np.uint8))
    write_image(root / "own" / "train" / "fgr" / "t0.jpg", noise(0, (96, 96)))
    data = bytearray((root / "own" / "train" / "fgr" / "t0.jpg").read_bytes())
    data[len(data) // 2:len(data) // 2 + 400] = bytes(400)
    (root / "own" / "train" / "fgr" / "t0.png").unlink()
    (root / "own" / "train" / "fgr" / "t0.jpg").write_bytes(data)
    _, found, rest = run(root, capfd, "--all")
    assert sum("its data are damaged" in line for line in found) == 1
    main(["own", "--catalog", str(root / "c.yml"), "--data-root", str(root), "--all", "--workers", "1"])
    told = capfd.readouterr()
    assert sorted(told.out.splitlines()) == sorted(found + rest) and told.err == ""


def test_sheet(root, capsys):
    (root / "own" / "train" / "pha" / "t3.png").write_bytes(b"")
    code, _, _ = run(root, capsys, "--sheet", str(root / "sheet.png"))
    sheet = read_image(root / "sheet.png")
    assert code == 1 and sheet.shape == (CELL + LABEL, 5 * 2 * CELL, 3)
    first = sheet[:CELL, CELL:2 * CELL]  # the alpha of t0, fitted to the cell
    assert first[CELL // 2, CELL // 2].min() > 250 and first[CELL // 2, 5].max() < 5
