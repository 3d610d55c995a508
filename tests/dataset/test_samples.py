"""Training samples: pure functions of (seed, epoch, number), the same for any count of workers."""
import multiprocessing

import cv2
import numpy as np
import pytest

from bgmatting.dataset.batches import Batches, read_batches
from bgmatting.dataset.catalog import open_catalog
from bgmatting.dataset.samples import CompositeSet, SampleKey, StreamSet, data_facts, training_set
from bgmatting.media import write_image
from bgmatting.training.config import DEFAULT, load_config
from bgmatting.training.validation import validation_set
from bgmatting.utils.errors import UserError

AUGMENT = load_config(DEFAULT)["augment"]


def test_every_sample_once_an_epoch_and_the_rest_dropped():
    batches = Batches(23, 4, (64, 64), seed=1, epoch=0)
    assert len(batches) == len(list(batches)) == 5 and all(len(batch) == 4 for batch in batches)
    seen = [key.number for batch in batches for key in batch]
    assert len(set(seen)) == 20 and set(seen) < set(range(23))


def test_order_depends_on_seed_and_epoch_alone():
    epochs = {words: sum(Batches(30, 5, (64, 64), *words), []) for words in ((1, 0), (1, 1), (2, 0), (2, 1))}
    assert len({tuple(key.number for key in keys) for keys in epochs.values()}) == 4
    assert epochs[2, 1] == sum(Batches(30, 5, (64, 64), 2, 1), [])
    assert all((key.seed, key.epoch) == words for words, keys in epochs.items() for key in keys)


def test_a_batch_shares_one_crop_within_range():
    drawn = [[(key.height, key.width) for key in batch] for batch in Batches(2000, 2, (70, 131), 1, 0)]
    assert all(len(set(batch)) == 1 for batch in drawn)
    sides = np.array([batch[0] for batch in drawn])
    assert (sides % 4 == 0).all() and sides.min() == 68 and sides.max() == 128 and (sides[:, 0] != sides[:, 1]).any()


def shares(length, batch_size, accumulate, world, start=0):
    """The epoch's keys as [process][batch], for several processes."""
    return [list(Batches(length, batch_size, (64, 256), 1, 0, start, accumulate, rank, world)) for rank in range(world)]


@pytest.mark.parametrize("accumulate, world", [(1, 2), (2, 3)])
def test_processes_and_turns_share_an_epoch_without_overlap(accumulate, world):
    found = shares(48, 4, accumulate, world)
    seen = [key.number for batches in found for batch in batches for key in batch]
    assert sorted(seen) == list(range(48))
    whole = list(Batches(48, 4 * accumulate * world, (64, 256), 1, 0))
    assert {len(batches) for batches in found} == {len(whole) * accumulate}
    for number, large in enumerate(whole):  # an iteration's batches are the large batch of one process, with its crop
        turns = slice(number * accumulate, (number + 1) * accumulate)
        assert sorted(key for batches in found for batch in batches[turns] for key in batch) == sorted(large)


def test_a_share_goes_on_where_it_stopped():
    whole, rest = shares(48, 2, 2, 2), shares(48, 2, 2, 2, start=3)
    assert all(late == early[6:] for early, late in zip(whole, rest)) and len(rest[0]) == 6


def test_small_sets_make_small_batches_and_never_none():
    assert [len(batch) for batches in shares(5, 8, 1, 2) for batch in batches] == [2, 2]
    with pytest.raises(UserError, match="3 samples are too few for iterations of 4 batches"):
        shares(3, 8, 2, 2)


def key(number=0, epoch=0, seed=1, height=64, width=96):
    return SampleKey(seed, epoch, number, height, width)


@pytest.fixture
def config(tmp_path):
    """Six foregrounds with alpha and five backgrounds, in the layouts of the catalogue, and a configuration of them."""
    generator = np.random.default_rng(0)
    root = tmp_path / "data"
    row, column = np.mgrid[:120, :100]
    for split, count in (("Train", 4), ("Test", 2)):
        for number in range(count):
            pha = np.clip(255 - 12 * (np.hypot(row - 60, column - 50) - 20 - 3 * number), 0, 255).astype(np.uint8)
            fgr = np.full((120, 100, 3), generator.integers(0, 256, 3), np.uint8)
            write_image(root / "Distinctions646_person" / split / "FG" / f"{number}.png", fgr)
            write_image(root / "Distinctions646_person" / split / "GT" / f"{number}.png", pha)
    for number in range(30):
        noise = generator.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        write_image(root / "Backgrounds" / f"{number}.jpg", cv2.resize(noise, (160, 120)))
    stage = load_config(DEFAULT, {"dataset_name": "Distinctions646_person", "data_root": str(root), "valid_count": 2,
                                  "valid_size": 64, "epoch_of": "foregrounds"})
    for phase in stage["phases"].values():
        phase.update(size=128, crop=[64, 96], batch_size=2)
    return stage


def open_set(config, phase="joint"):
    return training_set(config, phase, open_catalog(data_root=config["data_root"]))


@pytest.mark.parametrize("streamed", [False, True])
def test_a_sample_is_a_function_of_its_key(config, streamed):
    samples = StreamSet(4, AUGMENT) if streamed else open_set(config)
    assert isinstance(samples, StreamSet if streamed else CompositeSet) and len(samples) == 4
    sample = samples[key()]
    assert [image.shape for image in sample] == [(3, 64, 96)] * 3 + [(1, 64, 96)]
    assert all(image.dtype == np.uint8 for image in sample)
    for image, again in zip(sample, samples[key()]):
        np.testing.assert_array_equal(image, again)
    for other in (key(epoch=1), key(seed=2), key(number=1)):
        assert any((a != b).any() for a, b in zip(samples[other], sample))


@pytest.mark.parametrize("gone, differs", [
    ("Distinctions646_person/Train/*/3.png", {"training files"}),
    ("Distinctions646_person/Test/*/1.png", {"validation files"}),
    ("Backgrounds/*[0-7].jpg", {"training files", "validation files"}), ("nothing", set())])
def test_files_that_come_or_go_are_noticed_and_folders_may_move(config, tmp_path, gone, differs):
    def facts():
        return data_facts(config, open_catalog(data_root=config["data_root"]))

    before = facts()
    config["data_root"] = str((tmp_path / "data").rename(tmp_path / "moved"))
    for file in (tmp_path / "moved").glob(gone):
        file.unlink()
    after = facts()
    assert before.keys() == after.keys() == {"training files", "validation files"}
    assert {what for what in before if before[what] != after[what]} == differs
    assert data_facts({"dataset_name": "stream"}, None) == {}


def test_messages_name_the_files_that_a_sample_is_made_of(config, monkeypatch):
    samples = open_set(config)
    wanted = key(number=2, epoch=3)
    loaded, load = [], samples.backgrounds.load
    monkeypatch.setattr(samples.backgrounds, "load", lambda index, *rest: loaded.append(index) or load(index, *rest))
    samples[wanted]
    assert samples.describe(wanted) == f"{samples.pairs.names[2]} on {samples.backgrounds.names[loaded[0]]}"
    assert StreamSet(5, AUGMENT).describe(wanted) == "generated sample 2 of epoch 4"


def read(samples, workers, epoch=0, start=0):
    batches = Batches(len(samples), 2, (64, 96), 1, epoch, start)
    return [[image.numpy() for image in batch] for batch in read_batches(samples, batches, workers)]


def busy_opencv():
    """Wake OpenCV's threads as an evaluation in the same process does."""
    cv2.setNumThreads(4)
    big = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    for _ in range(3):
        cv2.GaussianBlur(cv2.resize(big, (1300, 1300)), (0, 0), 5)


def test_any_count_of_workers_gives_the_same_batches_also_after_opencv_was_used(config):
    busy_opencv()
    samples = open_set(config)
    expected = read(samples, 0)
    assert len(expected) == 2 and [image.shape[0] for image in expected[0]] == [2] * 4
    busy_opencv()
    for a, b in zip(sum(expected, []), sum(read(samples, 2), [])):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(read(samples, 0, start=1)[0][0], expected[1][0])


def test_damaged_pictures_are_replaced_and_told_of(config, tmp_path):
    broken = tmp_path / "data" / "Distinctions646_person" / "Train" / "FG" / "2.png"
    broken.write_bytes(b"not an image")
    found = []
    for workers in (0, 1):
        samples = open_set(config)
        found.append(read(samples, workers))
        news = samples.news()
        assert len(news) == 1 and str(broken) in news[0] and "bad file 1 (bad_files_max is 20)" in news[0]
        assert samples.news() == []
    for one, same in zip(*(sum(batches, []) for batches in found)):
        np.testing.assert_array_equal(one, same)
    for workers in (0, 1):
        with pytest.raises(UserError) as raised:
            read(open_set({**config, "bad_files_max": 0}), workers)
        assert str(broken) in str(raised.value) and "\n" not in str(raised.value)
    assert multiprocessing.active_children() == []


def test_a_subject_in_both_splits_is_refused(config, tmp_path):
    path = tmp_path / "own.yml"
    path.write_text("Backgrounds: {layout: backgrounds, path: Backgrounds, splits: {train: ., valid: .}}\n"
                    "Distinctions646_person: {layout: fgr_pha_folders, path: Distinctions646_person, "
                    "splits: {train: {fgr: Train/FG, pha: Train/GT}, valid: {fgr: Test/FG, pha: Test/GT}}}\n")
    catalog = open_catalog(path, config["data_root"])
    with pytest.raises(UserError, match=r"2.*\(0, 1\)"):
        validation_set(config, catalog)
    path.write_text(path.read_text().replace("{layout: fgr", "{names_are_subjects: false, layout: fgr"))
    with pytest.raises(UserError, match=r"30.*\(0, 1, 10, \.\.\.\)"):
        validation_set(config, open_catalog(path, config["data_root"]))


def test_stream_draws_the_kinds_asked_for(monkeypatch):
    drawn, blank = [], np.zeros((16, 16, 3), np.uint8)
    monkeypatch.setattr("bgmatting.dataset.samples.make_sample",
                        lambda seed, height, width, kind, camouflage: drawn.append(kind) or (blank[..., 0], blank, blank))
    stream = StreamSet(40, AUGMENT, kinds=("animal", "animal", "thin"))
    for number in range(40):
        stream[SampleKey(7, 0, number, 16, 16)]
    assert set(drawn) == {"animal", "thin"} and drawn.count("animal") > drawn.count("thin") > 0
    drawn.clear()
    StreamSet(1, AUGMENT)[SampleKey(7, 0, 0, 16, 16)]
    assert drawn == [None]
    with pytest.raises(UserError, match="'animal'"):
        StreamSet(1, AUGMENT, kinds=("animals",))
