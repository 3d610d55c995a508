"""Samples for the training in PyTorch: functions of seed and number, both kinds in a batch, cut sides stay outside."""
import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")

from bgmatting.training.pytorch import camera, looks, placing, subjects  # noqa: E402
from bgmatting.training.pytorch.samples import Keys, Stream, as_batch, defocused, loader  # noqa: E402
from bgmatting.training.pytorch.scenes import Scenes, window  # noqa: E402

SIZES = [[0.5, [64, 96], [64, 128]], [0.5, [96, 128], [128, 160]]]


@pytest.fixture
def folders(tmp_path):
    """(folder of rendered subjects, folder of photographs), a few small files each."""
    rendered, photos = tmp_path / "rendered", tmp_path / "photos"
    rendered.mkdir()
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        image = rng.integers(0, 256, (80, 60, 4), np.uint8)
        image[..., 3] = 0
        image[20:80, 15:45, 3] = 255  # cut by the lower side
        cv2.imwrite(str(rendered / f"person{number:03d}.png"), image)
    for number in range(9):
        cv2.imwrite(str(photos / f"place{chr(97 + number)}.jpg"), rng.integers(0, 256, (120, 160, 3), np.uint8))
    return str(rendered), str(photos)


def stream(folders, seed=1, valid=False):
    return Stream(seed, [folders[0]], [folders[1]], valid)


@pytest.mark.parametrize("rendered", (True, False))
def test_a_sample_is_a_function_of_seed_and_number(folders, rendered):
    key = (7, 64, 80, rendered)
    first, again, other = stream(folders)[key], stream(folders)[key], stream(folders, seed=2)[key]
    assert [tuple(image.shape) for image in first] == [(3, 64, 80)] * 3 + [(1, 64, 80)]
    assert all(torch.equal(one, two) for one, two in zip(first, again))
    assert not torch.equal(first[0], other[0])
    assert first[3].max() > 100


def test_no_file_is_in_both_parts(folders):
    parts = [subjects.Rendered([folders[0]], valid) for valid in (False, True)]
    names = [{path for paths in part.kinds.values() for path in paths} for part in parts]
    assert not names[0] & names[1] and sum(map(len, parts)) == 12
    scenes = [set(Scenes([folders[1]], valid).paths) for valid in (False, True)]
    assert not scenes[0] & scenes[1]


def test_batches_have_both_kinds_and_go_on_where_they_stopped():
    keys = list(Keys(3, SIZES, 30_000, 6, 0, 8))
    assert keys[5:] == list(Keys(3, SIZES, 30_000, 6, 5, 8)) and len(Keys(3, SIZES, 30_000, 6, 5, 8)) == 3
    for batch in keys:
        assert len({key[1:3] for key in batch}) == 1 and 2 <= len(batch) <= 6
        assert [key[3] for key in batch] == [True, False] * (len(batch) // 2)
        assert all(side % 16 == 0 for side in batch[0][1:3])
    assert len({key[0] for batch in keys for key in batch}) == sum(map(len, keys))


def test_a_file_that_is_being_written_is_passed_over(folders):
    pool = subjects.Rendered([folders[0]])
    half = f"{folders[0]}/pair000.png"
    open(half, "wb").close()
    pool.scan()
    for seed in range(20):
        assert pool.draw(np.random.default_rng(seed)).cut[3]
    pool.kinds = {"pair": [half]}
    with pytest.raises(OSError, match="pair000"):
        pool.draw(np.random.default_rng(0))


def test_loader_gives_batches(folders):
    tensors = next(iter(loader(stream(folders), Keys(3, SIZES, 20_000, 4, 0, 1), 0)))
    batch = as_batch(tensors)
    assert batch.src.shape[1] == 3 and batch.pha.shape[1] == 1 and batch.src.min() >= 0 and batch.src.max() <= 1


def test_without_files_everything_is_painted():
    src, bgr, fgr, pha = Stream(1, [], [])[(3, 64, 64, True)]
    assert pha.max() > 100 and not torch.equal(src, bgr)


@pytest.mark.parametrize("seed", range(12))
def test_a_cut_side_lies_outside_the_frame(seed):
    rgba = np.ones((60, 40, 4), np.float16)
    placed = placing.place(np.random.default_rng(seed), subjects.Subject(rgba, (False, False, False, True)), 96, 96)
    columns = placed[..., 3].sum(0)
    inside = np.argmax(columns)
    assert placed[-1, inside, 3] > 0.9  # it goes on below the frame


def test_a_soft_outline_does_not_darken():
    fgr, pha = np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.float32)
    fgr[:, :16], pha[:, :16] = 0.8, 1
    soft, alpha = defocused(fgr, pha, 2.0)
    assert np.allclose(soft[alpha > 0.05], 0.8, atol=0.01)


def test_a_hiding_part_takes_the_scenes_colour():
    rng = np.random.default_rng(4)
    scene = np.full((48, 48, 3), (0.2, 0.5, 0.3), np.float32)
    fgr, pha = np.full((48, 48, 3), 0.9, np.float32), np.ones((48, 48), np.float32)
    nearest = []
    for _ in range(20):
        changed, behind = looks.hidden(rng, fgr, pha, scene)
        nearest.append(np.abs(changed - behind).max(2).min())
    assert np.median(nearest) < 0.25 < np.abs(fgr - scene).max(2).min()


def test_photographs_stay_in_range_and_shape():
    rng = np.random.default_rng(5)
    scene, fgr = rng.random((2, 40, 56, 3), np.float32)
    pha = np.zeros((40, 56), np.float32)
    for _ in range(20):
        src, bgr = camera.photographs(rng, fgr, pha, scene)
        assert src.shape == bgr.shape == (40, 56, 3) and src.dtype == np.uint8


def test_a_window_keeps_proportions():
    photo = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(photo, (150, 100), 60, (255, 255, 255), -1)
    for seed in range(5):
        piece = window(np.random.default_rng(seed), photo, 64, 96)
        assert piece.shape == (64, 96, 3)


def test_views_of_one_panorama_stay_together():
    from bgmatting.training.pytorch.scenes import held_out
    for name in "abcdefgh":
        assert len({held_out(f"{name}-{view}.jpg") for view in range(5)}) == 1
    assert len({held_out(f"{name}.jpg") for name in "abcdefghijklmnopqrstuvwxyz"}) == 2


def test_a_panorama_looks_where_it_is_told():
    from bgmatting.training.pytorch.panorama import developed, view
    panorama = np.zeros((64, 128, 3), np.float32)
    panorama[:32, :, 2] = 1          # the sky is red
    panorama[:, 96 - 4:96 + 4, 1] = 1  # to the right: a green post
    ahead, right = (view(panorama, yaw, 0.0, 1.2, cv2.INTER_LINEAR) for yaw in (0.0, np.pi / 2))
    assert ahead[10, 480, 2] > 0.9 and ahead[-10, 480, 2] < 0.1 and ahead[320, 480, 1] < 0.1
    assert right[320, 480, 1] > 0.9 and right[320, 100, 1] < 0.1
    assert developed(np.array([0.0, 0.5, 500.0]), 0.5).tolist() == [0, 92, 255]
