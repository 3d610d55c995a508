"""The sample sets on disk: in the layouts of the real ones, whole or not at all."""

import numpy as np
import pytest

from bgmatting.dataset.generate import __main__ as command
from bgmatting.dataset.generate import write_sample_data
from bgmatting.dataset.generate.__main__ import main
from bgmatting.dataset.generate.sets import write_set
from bgmatting.media import list_images, read_gray, read_image, read_rgba
from bgmatting.utils.errors import UserError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A 24th of the sample sets, and the counts that writing returned."""
    root = tmp_path_factory.mktemp("generated") / "sample"
    return root, write_sample_data(root, scale=1 / 24, private=True)


def test_sets_lie_as_the_real_ones(written):
    root, counts = written
    assert counts == {"VideoMatte240K_JPEG_SD/train": 5, "VideoMatte240K_JPEG_SD/test": 2,
                      "Distinctions646_person/Train": 2, "Distinctions646_person/Test": 1, "PhotoMatte85": 1,
                      "Backgrounds": 4, "private": 1}
    for split, clips, frames in (("train", 1, 5), ("test", 1, 2)):
        for part in ("fgr", "pha"):
            folder = root / "VideoMatte240K_JPEG_SD" / split / part
            names = [path.relative_to(folder).as_posix() for path in list_images(folder)]
            assert names == [f"{clip:04d}/{frame:04d}.jpg" for clip in range(clips) for frame in range(frames)]
    stills = root / "Distinctions646_person" / "Train"
    assert [path.stem for path in list_images(stills / "FG")] == [path.stem for path in list_images(stills / "GT")]
    assert {path.suffix for path in list_images(stills / "FG")} == {".jpg"}
    assert {path.suffix for path in list_images(stills / "GT")} == {".png"}
    fgr, pha = read_rgba(next(iter(list_images(root / "PhotoMatte85"))))
    assert fgr.shape[:2] == pha.shape and pha.max() == 255 and pha.min() == 0
    assert all(path.parent.parent == root / "Backgrounds" for path in list_images(root / "Backgrounds"))
    assert not list(root.parent.glob(".*"))


def test_a_second_call_writes_nothing(written):
    root, counts = written
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert write_sample_data(root, scale=1 / 24, private=True) == counts
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_clip_moves_smoothly(written):
    folder = written[0] / "VideoMatte240K_JPEG_SD" / "train" / "pha" / "0000"
    frames = [read_gray(path).astype(float) for path in list_images(folder)]
    steps = [np.abs(one - two).mean() for one, two in zip(frames, frames[1:])]
    assert min(steps) > 0 and max(steps) < 30


@pytest.mark.parametrize("name", ["PhotoMatte85", "private", "VideoMatte240K_JPEG_SD/test"])
def test_writing_again_elsewhere_gives_the_same_files(written, tmp_path, name):
    write_set(name, tmp_path, 0, 1 / 24)
    names = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert names and all((written[0] / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_foreign_folders_and_other_seeds_are_left_alone(written, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="no sample data"):
        write_sample_data(tmp_path)
    with pytest.raises(UserError, match="seed"):
        write_sample_data(written[0], seed=1, scale=1 / 24, private=True)
    for scale in (0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="scale"):
            write_sample_data(tmp_path / "new", scale=scale)
    assert not (tmp_path / "new").exists()
    (tmp_path / "sample_data.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        write_sample_data(tmp_path)


def test_broken_writing_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_args):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("bgmatting.dataset.generate.sets.write_image", fail)
    with pytest.raises(OSError):
        write_sample_data(tmp_path / "sample", scale=0.01)
    assert not list(tmp_path.iterdir())


def test_command_line_writes_a_sheet(tmp_path, capsys):
    main(["--sheet", str(tmp_path / "sheet.png"), "--size", "48", "--rows", "2", "--columns", "1"])
    assert read_image(tmp_path / "sheet.png").shape == (96, 192, 3)
    assert "sheet.png" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([])


@pytest.mark.parametrize("flags", [("--rows", "0"), ("--columns", "0"), ("--size", "0"), ("--seed", "-1")])
def test_sheets_that_cannot_be(tmp_path, flags):
    with pytest.raises(UserError, match=flags[0]):
        main(["--sheet", str(tmp_path / "sheet.png"), *flags])
    assert not list(tmp_path.iterdir())


def test_flags_of_subjects_stand_before_or_behind_the_word(tmp_path):
    folder = str(tmp_path / "before")
    main(["--seed", "5", "--size", "32", "subjects", "--count", "1", folder])
    main(["subjects", "--count", "1", "--seed", "5", "--size", "32", str(tmp_path / "behind")])
    before, behind = (list((tmp_path / name).iterdir()) for name in ("before", "behind"))
    assert before[0].name.endswith("_5_00000.webp") and before[0].name == behind[0].name
    assert read_rgba(before[0])[1].shape == (32, 32) and before[0].read_bytes() == behind[0].read_bytes()
    for flags in (("--root", "r"), ("--sheet", "s.png"), ("--rows", "3"), ("--private",)):
        with pytest.raises(SystemExit) as ended:
            main([*flags, "subjects", "--count", "1", str(tmp_path / "none")])
        assert ended.value.code == 2
    assert not (tmp_path / "none").exists()


def test_subjects_and_sheets_have_sizes_of_their_own(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr(command, "write_subjects", lambda folder, count, seed, size, tell: sizes.append((seed, size)) or 0)
    monkeypatch.setattr(command, "write_sheet", lambda path, seed, rows, columns, size, kind: sizes.append((seed, size)))
    main(["subjects", str(tmp_path)])
    main(["--sheet", "s.png"])
    assert sizes == [(0, 640), (0, 192)]
