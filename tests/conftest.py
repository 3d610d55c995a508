"""A cache for exported graphs, and a stage small enough to be trained inside a test."""
import copy
import os
import signal
import sys

import pytest
import yaml

from bgmatting.utils.machine import find_device


def pytest_collection_modifyitems(items):
    """Tests that are marked ``gpu`` are skipped where there is none, with the reason. The longest test comes first, so that
    no process is left alone with it."""
    items.sort(key=lambda item: item.path.name != "test_attacks.py")
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and find_device() == "cpu":
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs an NVIDIA GPU that paddle can use, and there is none here"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Exported graphs of a test run are its own: the user's cache is neither read nor filled."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["MATTING_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def signals():
    """What tests start hears every signal, also where the tests themselves run under nohup or in a script's background."""
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, way) for number, way in heard.items()}
    yield
    for number, way in before.items():
        signal.signal(number, way)


PACKAGES = ("benchmarks", "dataset", "evaluation", "media", "model", "prediction", "training", "utils", "web")


@pytest.fixture(scope="session", autouse=True)
def one_name_for_every_module():
    """No module of the project was imported without its prefix: a second copy would have errors and caches of its own."""
    yield
    double = [name for name in sys.modules if name.partition(".")[0] in PACKAGES]
    assert not double, f"imported without the prefix bgmatting.: {double}"


TINY = {
    "dataset_name": "stream", "stream_length": 4, "num_workers": 0, "log_train_loss_interval": 1,
    "valid_interval": 2, "valid_count": 1, "valid_size": 64, "checkpoint_interval": 1, "keep_checkpoint_max": 9,
    "phases": {"base": {"epochs": 1, "batch_size": 2, "crop": [64, 64], "size": 64},
               "joint": {"epochs": 1, "batch_size": 2, "crop": [64, 64], "size": 64}}}


@pytest.fixture
def stage(tmp_path):
    """write(folder="run", base=1, joint=1, rates=None, **keys) -> path of a stage's YAML that saves into tmp_path/folder.

    base and joint are epochs, rates those of the joint phase.
    """
    def write(folder="run", base=1, joint=1, rates=None, **keys):
        content = {**copy.deepcopy(TINY), "save_dir": str(tmp_path / folder), **keys}
        content["phases"]["base"]["epochs"], content["phases"]["joint"]["epochs"] = base, joint
        if rates:
            content["phases"]["joint"]["rates"] = rates
        path = tmp_path / f"{folder}.yml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write
