"""The stream: samples by seed from painted and rendered subjects and photographs; what is held out; where subjects stand."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.generate.__main__ import main
from bgmatting.dataset.samples import SampleKey, training_set
from bgmatting.dataset.splits import held_out
from bgmatting.dataset.stream import Stream, looks, panorama, placing, subjects
from bgmatting.dataset.stream.coat import coated
from bgmatting.dataset.stream.panorama import developed, view
from bgmatting.dataset.stream.scenes import Photos
from bgmatting.dataset.stream.subjects import Folder, Subject
from bgmatting.media import read_image
from bgmatting.media.exr_dpx import Facts, write_exr
from bgmatting.training.config import DEFAULT, load_config
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError

NONE = {"share": 0.0, "folder": None}


@pytest.fixture
def folders(tmp_path):
    """{part of the stream: {share, folder}}, a few small files each."""
    rng = np.random.default_rng(0)
    for name in ("painted", "rendered"):
        (tmp_path / name).mkdir()
        for number in range(12):
            image = rng.integers(0, 256, (80, 60, 4), np.uint8)
            image[..., 3] = 0
            image[20:80, 15:45, 3] = 255  # cut by the lower side
            cv2.imwrite(str(tmp_path / name / f"{'person' if number % 3 else 'animal'}_{number:03d}.png"), image)
    (tmp_path / "photos").mkdir()
    for number in range(9):
        photo = rng.integers(0, 256, (120, 160, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"place{chr(97 + number)}.jpg"), photo)
    return {name: {"share": 0.5, "folder": str(tmp_path / name)} for name in ("painted", "rendered", "photos")}


def stage(folders, **keys):
    """A stage's configuration of the stream."""
    streams = {f"stream_{name}": value for name, value in folders.items()}
    return load_config(DEFAULT, {"dataset_name": "stream", **streams, "valid_count": 2, "valid_size": 64, **keys})


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_a_sample_is_a_function_of_its_seed(folders):
    first, again, other = (Stream(**folders).sample(seed, 64, 80) for seed in ([1, 2], [1, 2], [1, 3]))
    assert [image.shape for image in first] == [(64, 80), (64, 80, 3), (64, 80, 3)]
    assert all(image.dtype == np.uint8 for image in first) and first.pha.max() > 100
    assert equal(first, again) and not equal(first, other)
    painted = Stream({"share": 1.0, "folder": None}, NONE, folders["photos"])  # anew, where there is no folder
    first, again = painted.sample(3, 48, 48, "animal"), painted.sample(3, 48, 48, "animal")
    assert equal(first, again) and first.pha.max() > 100 and len(painted.sets) == 1


def test_shares_say_where_samples_come_from(folders):
    asked = [0, 0, 0]
    stream = Stream({**folders["painted"], "share": 0.2}, {**folders["rendered"], "share": 0.6}, folders["photos"])

    def load(items, index, *least):
        asked[stream.sets.index(items)] += 1
        return items.load(index, *least)

    for seed in range(60):
        stream.sample(seed, 32, 32, load=load)
    assert 0.1 < asked[0] / (asked[0] + asked[1]) < 0.4 and 18 < asked[2] < 42


@pytest.mark.parametrize("change, said", [
    ({"rendered": {"share": 0.5, "folder": None}}, "stream_rendered"), ({"painted": NONE, "rendered": NONE}, "share"),
    ({"photos": {"share": 1.0, "folder": "nowhere"}}, "nowhere")])
def test_what_cannot_be_is_refused(folders, change, said):
    with pytest.raises(UserError, match=said):
        Stream(**{**folders, **change})
    with pytest.raises(UserError, match="veil.*animal, person"):
        Stream(folders["painted"], NONE, NONE).sample(0, 64, 64, "veil")


def test_no_file_is_in_both_parts(folders):
    for source in (Folder, Photos):
        folder = folders["rendered" if source is Folder else "photos"]["folder"]
        names = [set(source(folder, valid).set.names) for valid in (False, True)]
        assert all(names) and not names[0] & names[1] and len(names[0] | names[1]) in (9, 12)


def test_views_of_one_panorama_stay_together():
    names = [f"{name}-{number}.jpg" for name in "abcdefgh" for number in range(5)]
    held = {names[index][0] for index in held_out(names, 6, True, "x", views=True)}
    trained = {names[index][0] for index in held_out(names, 6, False, "x", views=True)}
    assert held and trained and not held & trained
    with pytest.raises(UserError, match="at least two"):
        held_out(names[:5], 6, True, "x", views=True)
    for two in (["a.jpg", "b.jpg"], ["c.jpg", "z.jpg"], ["f.png", "k.png"]):
        assert len(held_out(two, 6, True, "x")) == len(held_out(two, 6, False, "x")) == 1


@pytest.mark.parametrize("form", ["pexels-photo-{:07d}.jpeg", "img-{:04d}.jpg", "person-{}.png", "night-{}-b.jpg"])
def test_numbered_photographs_are_no_panorama(form):
    names = [form.format(number + 1) for number in range(400)]
    for views in (True, False):
        held = held_out(names, 8, True, "x", views=views)
        assert 20 < len(held) < 90 and len(held_out(names, 8, False, "x", views=views)) == 400 - len(held)


@pytest.mark.parametrize("nothing", [True, False])
def test_a_damaged_file_and_one_that_shows_nothing_are_replaced_and_reported(folders, tmp_path, nothing):
    settings = stage({**folders, "rendered": NONE, "photos": NONE, "painted": {**folders["painted"], "share": 1.0}})
    name = Folder(folders["painted"]["folder"]).set.names[0]
    (tmp_path / "painted" / f"{name}.png").write_bytes(
        cv2.imencode(".png", np.zeros((80, 60, 4), np.uint8))[1].tobytes() if nothing else b"no image")
    samples = training_set(settings, "base", None)
    made = [samples[SampleKey(1, 0, number, 64, 64)] for number in range(24)]
    (line,) = samples.news()
    assert all(len(sample) == 4 for sample in made) and name in line and ("alpha is 0 everywhere" in line) == nothing
    strict = training_set({**settings, "bad_files_max": 0}, "base", None)
    assert any(isinstance(strict[SampleKey(1, 0, number, 64, 64)], UserError) for number in range(24))


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_side_lies_outside_the_frame(seed):
    rgba = np.ones((60, 40, 4), np.float32)
    placed = placing.place(np.random.default_rng(seed), Subject(rgba, (False, False, False, True)), 96, 96)
    columns = placed[..., 3].sum(0)
    inside = np.argmax(columns)
    assert placed[-1, inside, 3] > 0.9  # it goes on below the frame


def test_a_subject_is_cut_to_where_it_is_seen():
    fgr, pha = np.full((50, 40, 3), 200, np.uint8), np.zeros((50, 40), np.uint8)
    pha[10:50, 5:20] = 128
    subject = subjects.trimmed(fgr, pha)
    assert subject.rgba.shape == (40, 15, 4) and subject.cut == (False, False, False, True)
    assert np.allclose(subject.rgba[..., :3], 200 / 255 * 128 / 255)


def test_a_soft_outline_does_not_darken():
    fgr, pha = np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.float32)
    fgr[:, :16], pha[:, :16] = 0.8, 1
    soft, alpha = looks.defocused(fgr, pha, 2.0)
    assert np.allclose(soft[alpha > 0.05], 0.8, atol=0.01)
    colour, alpha = looks.straight(np.dstack([fgr * pha[..., None], pha]))
    assert np.allclose(colour[:, :22], 0.8, atol=0.01) and np.array_equal(alpha, pha)


def test_a_hiding_part_takes_the_scenes_colour():
    rng = np.random.default_rng(4)
    scene = np.full((48, 48, 3), (0.2, 0.5, 0.3), np.float32)
    fgr, pha = np.full((48, 48, 3), 0.9, np.float32), np.ones((48, 48), np.float32)
    nearest = []
    for _ in range(20):
        changed, behind = looks.hidden(rng, fgr, pha, scene)
        nearest.append(np.abs(changed - behind).max(2).min())
    assert np.median(nearest) < 0.25 < np.abs(fgr - scene).max(2).min()


def test_names_that_are_no_text_are_held_out_as_others():
    odd = [f"place{chr(97 + number)}\udcff.jpg" for number in range(9)]  # as Python spells a byte that is not UTF-8
    parts = [held_out(odd, 6, valid, "x") for valid in (True, False)]
    assert all(parts) and sorted(sum(parts, [])) == list(range(9))
    plain = [f"Größe{chr(97 + number)}.jpg" for number in range(12)]
    assert held_out(plain, 6, True, "x") == [0, 7]  # as ever: who trained on them is not to be scored on them


def test_a_panorama_looks_where_it_is_told():
    whole = np.zeros((64, 128, 3), np.float32)
    whole[:32, :, 2] = 1          # the sky is red
    whole[:, 96 - 4:96 + 4, 1] = 1  # to the right: a green post
    ahead, right = (view(whole, yaw, 0.0, 1.2, cv2.INTER_LINEAR) for yaw in (0.0, np.pi / 2))
    assert ahead[10, 480, 2] > 0.9 and ahead[-10, 480, 2] < 0.1 and ahead[320, 480, 1] < 0.1
    assert right[320, 480, 1] > 0.9 and right[320, 100, 1] < 0.1
    assert developed(np.array([0.0, 0.5, 500.0]), 0.5).tolist() == [0, 92, 255]


def room(level, *colour):
    """A panorama (64, 128[, C]) of one level, or of one colour (BGR); dark behind, where two views do not look."""
    whole = np.multiply(np.ones((64, 128, len(colour)) if colour else (64, 128)), colour or 1) * level
    whole[:, :8] = 0
    return whole


@pytest.mark.parametrize("name, stored, expected", [
    ("grey.png", room(90).astype(np.uint8), (90, 90, 90)), ("grey.jpg", room(90).astype(np.uint8), (90, 90, 90)),
    ("deep.png", room(257, 30, 60, 90).astype(np.uint16), (90, 60, 30)),
    ("alpha.png", room(1, 30, 60, 90, 128).astype(np.uint8), (90, 60, 30)),
    ("light.hdr", room(40, 1, 1, 1).astype(np.float32), (92, 92, 92)),  # BRIGHTNESS of the range
    ("light.exr", room(40).astype(np.float32), (92, 92, 92))])
def test_views_of_every_kind_of_panorama(tmp_path, name, stored, expected):
    if name.endswith(".exr"):
        pytest.importorskip("OpenImageIO")
        write_exr(tmp_path / name, stored, Facts(128, 64))
    else:
        cv2.imwrite(str(tmp_path / name), stored)
    panorama.main([str(tmp_path / name), str(tmp_path / "views"), "--views", "2"])
    stem = name.split(".")[0]
    assert sorted(path.name for path in (tmp_path / "views").iterdir()) == [f"{stem}-0.jpg", f"{stem}-1.jpg"]
    for number in range(2):
        image = read_image(tmp_path / "views" / f"{stem}-{number}.jpg")
        assert image.shape == (640, 960, 3) and np.abs(image.astype(int) - expected).max() <= 3


def test_no_view_replaces_another_nor_a_panorama(tmp_path, capsys):
    for name in ("a/room.png", "b/room.png", "c/room-0.jpg", "c/room.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), room(1, 30, 60, 90).astype(np.uint8))
    kept = (tmp_path / "c" / "room-0.jpg").read_bytes()
    for names in (("a/room.png", "b/room.png", "views"), ("c/room-0.jpg", "c/room.png", "c"), ("a/none.hdr", "views")):
        with pytest.raises(SystemExit) as ended:
            run_main(panorama.main, [str(tmp_path / name) for name in names])
        assert ended.value.code == 2 and capsys.readouterr().err.count("error: ") == 1
    assert not list(tmp_path.glob("views/*")) and (tmp_path / "c" / "room-0.jpg").read_bytes() == kept
    assert len(list((tmp_path / "c").iterdir())) == 2
    panorama.main([str(tmp_path / "a" / "room.png")] * 2 + [str(tmp_path / "views"), "--views", "1"])
    assert len(list(tmp_path.glob("views/*"))) == 1


def test_painted_subjects_are_written_once_and_used_by_the_stream(tmp_path):
    folder = tmp_path / "painted"
    command = ["subjects", "--size", "32", str(folder), "--count"]
    main([*command, "2"])
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    next(folder.iterdir()).unlink()
    main([*command, "3"])
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(first) == 2 and len(found) == 3 and first.items() <= found.items()
    stream = Stream({"share": 1.0, "folder": str(folder)}, NONE, NONE)
    assert stream.sample(1, 64, 64).pha.max() > 0
    with pytest.raises(UserError, match="--count"):
        main([*command, "0"])


def test_a_coat_grows_outwards_and_leaves_the_subject():
    rgba = np.zeros((120, 100, 4), np.float32)
    cv2.circle(rgba, (50, 60), 30, (0.2, 0.5, 0.3, 1), -1)
    subject = Subject(rgba, (False, False, False, True), "animal")
    coat = coated(np.random.default_rng(3), subject)
    margin = coat.rgba.shape[1] - 100
    inner = coat.rgba[margin // 2:margin // 2 + 120, margin // 2:margin // 2 + 100]
    assert coat.rgba.shape == (120 + margin // 2, 100 + margin, 4) and coat[1:] == subject[1:]
    assert np.array_equal(inner[rgba[..., 3] == 1], rgba[rgba[..., 3] == 1])
    soft = (coat.rgba[..., 3] > 0.02) & (coat.rgba[..., 3] < 0.98)
    assert soft.sum() > 300 and coat.rgba[..., 3].sum() > rgba[..., 3].sum() + 100
    assert coat.rgba.min() >= 0 and coat.rgba.max() <= 1 + 1e-6 and (coat.rgba[..., :3] <= coat.rgba[..., 3:] + 1e-6).all()
    again = coated(np.random.default_rng(3), subject)
    assert np.array_equal(again.rgba, coat.rgba)
    assert coated(np.random.default_rng(0), Subject(np.zeros((9, 9, 4), np.float32), (False,) * 4)).rgba.shape == (9, 9, 4)


def test_another_scene_bleeds_into_soft_edges_alone():
    fgr, scene = np.full((20, 30, 3), 0.5, np.float32), np.full((20, 30, 3), 0.9, np.float32)
    pha = np.repeat(np.linspace(0, 1, 30, dtype=np.float32)[None], 20, 0)
    apart = np.abs(looks.bled(np.random.default_rng(1), fgr, pha, scene) - fgr).sum((0, 2))
    assert apart[-1] == 0 and (np.diff(apart) < 1e-4).all() and apart[0] > 1
