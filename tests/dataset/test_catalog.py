"""The catalogue finds sets by name, divides those without splits, falls back to sample data whole, and names slips."""
import numpy as np
import pytest

from bgmatting.dataset import catalog as catalog_module
from bgmatting.dataset.__main__ import main
from bgmatting.dataset.catalog import PROJECT, catalog_or_sample, open_catalog
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError
from tests.dataset.layouts.test_videos import write_video


def picture(channels=3):
    return np.full((4, 4, channels) if channels else (4, 4), 9, np.uint8)


def write_real_sets(root):
    """VideoMatte240K, Distinctions-646, PhotoMatte85 and Backgrounds, a few pictures each, in their own layouts."""
    for part, clips in (("train", 3), ("test", 2)):
        for clip in range(clips):
            for kind, channels in (("fgr", 3), ("pha", 0)):
                write_image(root / "VideoMatte240K_JPEG_SD" / part / kind / f"{clip:04d}" / "00000.jpg",
                            picture(channels))
    for part, count in (("Train", 4), ("Test", 1)):
        for item in range(count):
            write_image(root / "Distinctions646_person" / part / "FG" / f"p{item}.jpg", picture())
            write_image(root / "Distinctions646_person" / part / "GT" / f"p{item}.png", picture(0))
    write_image(root / "PhotoMatte85" / "a.png", picture(4))
    for item in range(12):
        write_image(root / "Backgrounds" / f"room{item}.jpg", picture())


@pytest.fixture
def real(tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_ROOT", raising=False)
    write_real_sets(tmp_path)
    return open_catalog(data_root=tmp_path)


def test_every_real_layout_is_found(real, tmp_path):
    counts = {name: {split: len(real.pairs(name, split)) for split in real.splits(name)}
              for name in ("VideoMatte240K", "Distinctions646_person", "PhotoMatte85")}
    assert counts == {"VideoMatte240K": {"train": 3, "valid": 2},
                      "Distinctions646_person": {"train": 4, "valid": 1}, "PhotoMatte85": {"test": 1}}
    assert real.where("PhotoMatte85") == tmp_path / "PhotoMatte85"
    assert real.available("Backgrounds") and not real.available("private") and real.where("private") is None


def test_backgrounds_without_split_folders_are_divided(real):
    parts = {split: set(real.backgrounds("Backgrounds", split).names) for split in ("train", "valid", "test")}
    assert sum(map(len, parts.values())) == 12 == len(set.union(*parts.values()))
    assert all(parts.values()) and len(parts["train"]) > 6


def test_clips_are_never_divided(tmp_path):
    for clip, frame in np.ndindex(8, 2):
        write_image(tmp_path / "own" / f"c{clip}" / f"{frame}.png", picture(4))
    (tmp_path / "own.yml").write_text("own: {layout: rgba_folder, path: own, folders: ., parts: {train: 0.7, valid: 0.3}}")
    train, valid = (open_catalog(tmp_path / "own.yml", tmp_path).pairs("own", split) for split in ("train", "valid"))
    assert len(train) + len(valid) == 16 and not set(train.subjects) & set(valid.subjects)


@pytest.mark.parametrize("mark", ["", "names_are_subjects: false, "])
def test_splits_that_share_a_subject(tmp_path, mark):
    for split in "ab":
        for name in ("x", split):
            write_image(tmp_path / "own" / split / f"{name}.png", picture(4))
    text = f"own: {{layout: rgba_folder, path: own, {mark}splits: {{train: a, valid: b}}}}"
    (tmp_path / "own.yml").write_text(text)
    catalog = open_catalog(tmp_path / "own.yml", tmp_path)
    if mark:
        catalog.check_disjoint("own", "train", "valid")
    else:
        with pytest.raises(UserError, match=r"1.*\(x\)"):
            catalog.check_disjoint("own", "train", "valid")


def test_data_root_from_argument_environment_and_project(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_ROOT", str(tmp_path / "env"))
    assert open_catalog(data_root=tmp_path).root == tmp_path
    assert open_catalog().root == tmp_path / "env"
    monkeypatch.delenv("DATA_ROOT")
    monkeypatch.chdir(tmp_path)
    assert open_catalog().root == PROJECT / "data"


@pytest.mark.parametrize("ask, words", [
    (lambda c: c.pairs("VideoMate240K", "train"), "Did you mean 'VideoMatte240K'"),
    (lambda c: c.pairs("VideoMatte240K", "val"), "no split 'val'. Did you mean 'valid'"),
    (lambda c: c.pairs("Backgrounds", "train"), "holds backgrounds"),
    (lambda c: c.backgrounds("PhotoMatte85", "test"), "holds foreground and alpha pairs"),
    (lambda c: c.pairs("private", "train"), "no path yet"),
])
def test_wrong_questions(real, ask, words):
    with pytest.raises(UserError) as error:
        ask(real)
    assert words in str(error.value)


def test_folders_of_other_systems_are_no_data(tmp_path):
    """The one folder that unpacking left is found beside what a file server put there."""
    for kind, channels in (("fgr", 3), ("pha", 0)):
        for place in ("", "@eaDir/", "System Volume Information/"):
            write_image(tmp_path / "photomatte-85" / "PhotoMatte85" / kind / f"{place}b.png", picture(channels))
    for place in ("@eaDir", ".AppleDouble", "lost+found", "$Recycle.Bin", "#recycle", "@Recycle", "__MACOSX"):
        (tmp_path / "photomatte-85" / place).mkdir()
        (tmp_path / place).mkdir()
    catalog = open_catalog(data_root=tmp_path)
    assert catalog.where("PhotoMatte85") == tmp_path / "photomatte-85" / "PhotoMatte85"
    assert catalog.pairs("PhotoMatte85", "test").names == ["b"]


@pytest.mark.parametrize("names, kinds", [
    (["PhotoMatte85", "Backgrounds"], {"PhotoMatte85": "PhotoMatte85"}),
    (["PhotoMatte85", "Backgrounds"], {"PhotoMatte85": "test85"}),
    (["PhotoMatte85", "Backgrounds"], {"Backgrounds": "backgrounds"}),
    (["VideoMatte240K", "Backgrounds"], {"VideoMatte240K_JPEG_SD": "VideoMatte240K_JPEG_HD"}),
    (["VideoMatte240K", "Backgrounds"], {"PhotoMatte85": "PhotoMatte85"}),
    (["VideoMatte240K", "#808080"], {"Backgrounds": "Backgrounds"}),
])
def test_sample_data_never_stands_in_for_real_data(tmp_path, monkeypatch, names, kinds):
    monkeypatch.delenv("DATA_ROOT", raising=False)
    monkeypatch.setattr(catalog_module, "_generate", lambda root: pytest.fail("generated"))
    monkeypatch.setattr(catalog_module, "USUAL_ROOT", tmp_path / "data")
    write_real_sets(tmp_path / "all")
    (tmp_path / "data").mkdir()
    for name, place in kinds.items():
        (tmp_path / "all" / name).rename(tmp_path / "data" / place)
    with pytest.raises(UserError):
        catalog_or_sample(names, sample_root=tmp_path / "data" / "sample")


def test_backgrounds_that_are_no_set(real, tmp_path, monkeypatch):
    monkeypatch.setattr(catalog_module, "_generate", lambda root: write_real_sets(root))
    folder = tmp_path / "any photos"
    write_image(folder / "deep" / "a.png", picture())
    found = catalog_or_sample(["PhotoMatte85", str(folder)], tmp_path)
    assert found.backgrounds(str(folder), "test").names == ["deep/a.png"]
    colours = catalog_or_sample(["PhotoMatte85", "#10ff20"], tmp_path).backgrounds("#10ff20", "test")
    assert len(colours) == 1 and (colours.load(0) == (16, 255, 32)).all()
    for word in ("rgb(300,0,0)", "rgb(120%,0%,0%)", "hsl(120,200%,50%)", "grene"):
        with pytest.raises(UserError):
            catalog_or_sample(["PhotoMatte85", word], tmp_path)
    sample = catalog_or_sample(["PhotoMatte85", "sample"], tmp_path, sample_root=tmp_path / "made")
    assert sample.pairs("PhotoMatte85", "test").names == ["a"] and len(sample.backgrounds("sample", "train")) > 6


def test_sets_of_folders_that_are_named_directly(tmp_path):
    paths = {name: str(tmp_path / name) for name in ("fgr", "pha", "cut", "rooms", "valid/fgr", "valid/pha")}
    for part, path in paths.items():
        for number in range(12):
            write_image(f"{path}/{number}.png", picture(0 if "pha" in part else 4 if part == "cut" else 3))

    def own(**folders):
        catalog = open_catalog(data_root=tmp_path / "none")
        catalog.add_own(folders)
        return catalog

    catalog = own(fgr=paths["fgr"], pha=paths["pha"], bgr=paths["rooms"], valid_fgr=None)
    for name, listed in (("own", catalog.pairs), ("own backgrounds", catalog.backgrounds)):
        assert len(listed(name, "train")) + len(listed(name, "valid")) == 12 and len(listed(name, "valid")) >= 1
    catalog = own(fgr=paths["fgr"], pha=paths["pha"], valid_fgr=paths["valid/fgr"], valid_pha=paths["valid/pha"])
    assert len(catalog.pairs("own", "train")) == len(catalog.pairs("own", "valid")) == 12
    catalog.check_disjoint("own", "train", "valid")  # both are numbered
    write_image(f"{paths['fgr']}/Ann.png", picture(3))
    write_image(f"{paths['valid/fgr']}/Ann.png", picture(3))
    for part in ("pha", "valid/pha"):
        write_image(f"{paths[part]}/Ann.png", picture(0))
    for valid in ("valid/", ""):
        with pytest.raises(UserError, match="share"):
            own(fgr=paths["fgr"], pha=paths["pha"], valid_fgr=paths[f"{valid}fgr"],
                valid_pha=paths[f"{valid}pha"]).check_disjoint("own", "train", "valid")
    assert len(own(fgr=paths["cut"]).pairs("own", "train")) < 12
    for wrong in ({"pha": paths["pha"]}, {"fgr": str(tmp_path / "gone")}, {"fgr": paths["cut"], "valid_pha": paths["pha"]},
                  {"fgr": paths["fgr"], "pha": paths["pha"], "valid_fgr": paths["fgr"]}, {"valid_bgr": paths["rooms"]}):
        with pytest.raises(UserError):
            own(**wrong)


@pytest.mark.parametrize("named_by", ["--data-root", "DATA_ROOT"])
def test_a_named_folder_without_the_sets_is_no_wish_for_sample_data(tmp_path, monkeypatch, named_by):
    monkeypatch.setattr(catalog_module, "_generate", lambda root: pytest.fail("generated"))
    monkeypatch.setenv("DATA_ROOT", str(tmp_path) if named_by == "DATA_ROOT" else "")
    with pytest.raises(UserError) as error:
        catalog_or_sample(["PhotoMatte85"], data_root=tmp_path if named_by == "--data-root" else None,
                          sample_root=tmp_path / "sample")
    assert named_by in str(error.value) and str(tmp_path) in str(error.value)


def test_sample_data_is_generated_once_where_its_folder_is_named_or_there_is_no_set_at_all(tmp_path, monkeypatch):
    roots = []
    monkeypatch.setattr(catalog_module, "_generate", lambda root: (roots.append(root), write_real_sets(root)))
    monkeypatch.delenv("DATA_ROOT", raising=False)
    monkeypatch.setattr(catalog_module, "USUAL_ROOT", tmp_path / "none")
    for _ in range(2):
        catalog_or_sample(["PhotoMatte85"], sample_root=tmp_path / "sample")
    catalog_or_sample(["PhotoMatte85"], data_root=tmp_path / "named", sample_root=tmp_path / "named")
    assert roots == [tmp_path / "sample", tmp_path / "named"]


def test_no_sample_for_a_set_that_it_lacks(tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_ROOT", raising=False)
    monkeypatch.setattr(catalog_module, "USUAL_ROOT", tmp_path)
    with pytest.raises(UserError, match="no sample data for it"):
        catalog_or_sample(["BG20k"])
    (tmp_path / "PhotoMatte85").mkdir()  # an empty folder of the right name is no wish for sample data
    with pytest.raises(UserError):
        catalog_or_sample(["PhotoMatte85", "Backgrounds"], sample_root=tmp_path / "sample")


def test_the_command_lists_sets(tmp_path, capsys):
    write_real_sets(tmp_path)
    (tmp_path / "PhotoMatte85" / "a.png").unlink()
    main(["--data_root", str(tmp_path)])
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert "train 3, valid 2" in lines["VideoMatte240K"]
    assert "holds no images" in lines["PhotoMatte85"] and "absent" in lines["private"]


def test_a_set_of_videos_is_told_its_layout(tmp_path, capsys):
    for part, kind in (("train", "fgr"), ("train", "pha"), ("test", "fgr"), ("test", "pha")):
        write_video(tmp_path / "VideoMatte240K" / part / kind / "0000.mp4", 2)
    text = (PROJECT / "configs" / "datasets.yml").read_text()
    catalogue = tmp_path / "own.yml"
    for layout, found in (("fgr_pha_folders", "video_pairs"), ("video_pairs", "train 2, valid 2")):
        catalogue.write_text(text.replace("layout: fgr_pha_folders", f"layout: {layout}", 1))
        main(["--catalog", str(catalogue), "--data-root", str(tmp_path)])
        lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
        assert found in lines["VideoMatte240K"]


def test_the_questions_of_run_sh(tmp_path, capsys, monkeypatch):
    """What a part of run.sh works on: real data where its sets are, sample data where there is no real set at all."""
    monkeypatch.delenv("DATA_ROOT", raising=False)

    def answer(part, *flags):
        main(["kind", part, *flags])
        return capsys.readouterr().out.strip()

    for part in ("all", "stage1", "eval"):
        with pytest.raises(UserError):
            answer(part, "--data-root", str(tmp_path))
    monkeypatch.setattr(catalog_module, "USUAL_ROOT", tmp_path)
    assert {answer(part) for part in ("all", "stage1", "stage2", "stage3", "eval", "predict")} == {"sample"}
    write_real_sets(tmp_path)
    assert {answer(part) for part in ("all", "stage1", "stage2", "stage3", "eval", "predict")} == {"real"}
    (tmp_path / "Distinctions646_person").rename(tmp_path / "gone")
    assert [answer(part) for part in ("stage1", "eval", "web")] == ["real"] * 3
    for part in ("all", "stage2"):
        with pytest.raises(UserError):
            answer(part)
    (tmp_path / "gone").rename(tmp_path / "Distinctions646_person")
    (tmp_path / "PhotoMatte85").rename(tmp_path / "gone")
    main(["kind"])
    said = capsys.readouterr()
    assert said.out == "real\n" and "PhotoMatte85" in said.err
