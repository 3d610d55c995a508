"""What goes with what, what is left to do, and how a folder is divided."""
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction.options import Options, parts_of
from bgmatting.prediction.photos.plan import Pictures, photo_jobs, shard_of
from bgmatting.utils.errors import UserError

NAMES = [f"clip{number % 7}/{number:04d}" for number in range(600)]


def folders(root, photos, rooms, made=()):
    for folder, names in (("photos", photos), ("rooms", rooms), ("out", made)):
        for name in names:
            write_image(root / folder / name, np.zeros((2, 2, 3), np.uint8))


def plan(root, suffix=".png", **options):
    options = Options(str(root / "photos"), str(root / "rooms"), output=str(root / "out"), **options)
    return photo_jobs(options, Pictures(("pha", "com"), suffix, 8))


def test_partners_missing_and_doubtful(tmp_path):
    folders(tmp_path, ["a.png", "b.png", "b.jpg", "sub/c.png", "d.png"], ["a.jpg", "sub/c.webp", "b.png", "x.png"])
    found = plan(tmp_path)
    assert [job.name for job in found.jobs] == ["a", "sub/c"]
    assert found.jobs[1].bgr == tmp_path / "rooms" / "sub" / "c.webp"
    assert found.jobs[1].outputs == {word: tmp_path / "out" / word / "sub" / "c.png" for word in ("pha", "com")}
    assert [name for name, _ in found.failures] == ["b", "d"]
    assert "b.jpg" in found.failures[0][1] and "b.png" in found.failures[0][1] and "no partner" in found.failures[1][1]
    assert len(found.notes) == 1 and "(x)" in found.notes[0]


def test_what_is_finished_is_passed_over_and_what_is_half_done_completed(tmp_path):
    folders(tmp_path, ["a.png", "b.png", "c.png"], ["a.png", "b.png", "c.png"], ["pha/a.png", "com/a.png", "com/b.png"])
    found = plan(tmp_path)
    assert found.finished == 1
    assert [(job.name, tuple(job.outputs)) for job in found.jobs] == [("b", ("pha",)), ("c", ("pha", "com"))]
    for options in ({"overwrite": True}, {"suffix": ".webp"}):  # another format is another result
        again = plan(tmp_path, **options)
        assert again.finished == 0 and [tuple(job.outputs) for job in again.jobs] == [("pha", "com")] * 3


@pytest.mark.parametrize("src, rooms, types, fits", [
    ("out/com", "rooms", ("com",), False), ("out/com", "rooms", ("pha", "com"), False), ("out/com", "rooms", ("pha",), True),
    ("photos", "out/com", ("com",), False), ("photos", "out/com", ("pha",), True), ("out", "rooms", ("com",), False),
    ("link", "rooms", ("com",), False), ("out/com/sub", "rooms", ("com",), False),
    ("photos", "out/com/a.png", ("com",), True)])
@pytest.mark.parametrize("partner", ["bgr", "trimaps"])
def test_results_never_land_among_the_photos(tmp_path, src, rooms, types, fits, partner):
    names = ["a.png", "sub/b.png", "sub/sub/c.png"]
    folders(tmp_path, names, names, [f"com/{name}" for name in names])  # of out/com/sub, sub/c would give out/com/sub/c.webp
    (tmp_path / "link").symlink_to(tmp_path / "out" / "com")
    options = Options(str(tmp_path / src), output=str(tmp_path / "out"), **(
        {"bgr": str(tmp_path / rooms)} if partner == "bgr" else
        {"trimap": str(tmp_path / rooms), "choice": SimpleNamespace(needs="trimap")}))
    pictures = Pictures(types, ".webp", 8)
    if fits:
        assert [job.name for job in photo_jobs(options, pictures).jobs] == ["a", "sub/b", "sub/sub/c"]
        return
    with pytest.raises(UserError, match="--output"):
        photo_jobs(options, pictures)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_shards_are_disjoint_complete_balanced_and_stable(count):
    parts = {name: shard_of(name, count) for name in NAMES}
    sizes = Counter(parts.values())
    assert set(sizes) == set(range(1, count + 1)) and min(sizes.values()) > 0.6 * len(NAMES) / count
    assert all(shard_of(name, count) == parts[name] for name in NAMES[::-1])


def test_a_part_without_photos_says_so(tmp_path):
    folders(tmp_path, ["a.png"], ["a.png"])
    plans = [plan(tmp_path, shard=f"{part}/2") for part in (1, 2)]
    assert sorted((len(found.jobs), len(found.notes)) for found in plans) == [(0, 1), (1, 0)]


def test_names_of_any_letters_have_a_part():
    assert all(shard_of("\u00e9" + str(n), 97) == shard_of("e\u0301" + str(n), 97) for n in range(20))
    assert 1 <= shard_of("undecodable \udcff", 7) <= 7


def test_what_is_a_shard():
    assert [parts_of(text) for text in ("1/1", "3/8", " 8/8 ")] == [(1, 1), (3, 8), (8, 8)]
    for text in ("0/4", "5/4", "1/0", "a/b", "1", "1/2/3", "-1/2", "", "1.5/2"):
        with pytest.raises(UserError):
            parts_of(text)


def test_one_photo_may_name_its_result(tmp_path):
    folders(tmp_path, ["a.png"], ["a.png"])
    src, bgr, output = (str(tmp_path / name) for name in ("photos/a.png", "rooms/a.png", "cut.webp"))
    given = Options(src, bgr, output=output), Pictures(("com",), ".webp", 8)
    assert photo_jobs(*given).jobs[0].outputs == {"com": tmp_path / "cut.webp"}
    (tmp_path / "cut.webp").mkdir()
    assert photo_jobs(*given).jobs[0].outputs == {"com": tmp_path / "cut.webp" / "a_com.webp"}


def test_pairs_by_their_order(tmp_path):
    folders(tmp_path, [f"me{number}.png" for number in (1, 2, 10)], [f"room_{number:03d}.png" for number in (1, 2, 10)])
    assert [(job.src.stem, job.bgr.stem) for job in plan(tmp_path, pair="order").jobs] == [
        ("me1", "room_001"), ("me10", "room_010"), ("me2", "room_002")]
    (tmp_path / "rooms" / "room_002.png").unlink()
    with pytest.raises(UserError, match="photos has 3, .*rooms 2"):
        plan(tmp_path, pair="order")
