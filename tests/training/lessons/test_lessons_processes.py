"""MODNet on two processes: what one process learns that averages over the same two batches."""
import numpy as np
import pytest

from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint
from tests.training.lessons.test_lessons import SGD, whole  # noqa: F401  (a fixture)
from tests.training.test_distributed import curve, run


@pytest.mark.slow
def test_two_processes_are_two_batches_of_one(whole, tmp_path):  # noqa: F811
    settings = {**SGD, "ema": 0.0, "iterations": 2, "valid_interval": 9, "log_images_interval": 99}
    done = run(whole("modnet", "two", **settings), tmp_path / "two.txt", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(whole("modnet", "one", accumulate=2, **settings), tmp_path / "one.txt", 1)
    assert done.returncode == 0, done.stderr
    first, second = curve(tmp_path / "one.txt"), curve(tmp_path / "two.txt")
    assert len(first) == len(second) == 2 and len(set(first)) == 2
    np.testing.assert_allclose(first, second, rtol=1e-4)
    assert [folder.name for folder in checkpoints(tmp_path / "two")] == ["iter_1", "iter_2"]
    one, two = (load_checkpoint(tmp_path / folder / "iter_2").model for folder in ("one", "two"))
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], atol=1e-3, err_msg=name)
