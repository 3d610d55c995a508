"""Work in processes of their own: whatever happens there is one error here, and the next call is done."""
import socket
import time
from fractions import Fraction

import numpy as np
import pytest

from bgmatting.utils.confinement import only_reading, without_network
from bgmatting.utils.errors import UserError
from bgmatting.utils.isolation import Limits, Workers
from tests.utils import faults

LIMITS = Limits(seconds=3.0, cpu_seconds=1.0, memory=300 << 20, answer=64 << 20)


@pytest.fixture(scope="module")
def workers():
    with Workers(2, LIMITS, classes=(faults.Item,)) as found:
        yield found


def test_answers_are_those_of_the_function(workers):
    array = np.random.default_rng(0).integers(0, 255, (30, 40, 3)).astype(np.float32)
    for given in (array, array[::2, ::-1], array.astype(np.uint16), array[:0]):
        here, there = faults.doubled(given), workers.call(faults.doubled, given)
        np.testing.assert_array_equal(here.pop("array"), there.pop("array"))
        assert here == there


def test_a_worker_stays_for_the_next_call(workers):
    first = workers.call(faults.process)
    assert workers.call(faults.process) == first


@pytest.mark.slow
@pytest.mark.parametrize("function, arguments", [
    (faults.aborted, ()), (faults.ended, ()), (faults.hung, ()), (faults.asleep, ()), (faults.greedy, (1 << 30,)),
    (faults.large, (80 << 20,)), (faults.failing, ()), (faults.foreign, ()), (faults.refused, ("a.png is torn.",))])
def test_a_fault_is_one_line(workers, function, arguments):
    begun = time.monotonic()
    with pytest.raises(UserError) as caught:
        workers.call(function, *arguments, name="a.png")
    assert "a.png" in str(caught.value) and "\n" not in str(caught.value)
    assert time.monotonic() - begun < LIMITS.seconds + 3
    assert workers.call(faults.greedy, 1000) == 1000


def test_errors_of_files_are_those_of_files(workers, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        workers.call(faults.missing, str(tmp_path / "none"))
    assert caught.value.filename == str(tmp_path / "none")
    with pytest.raises(OSError):
        workers.call(faults.written, str(tmp_path / "file"), 1)
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0


def test_no_network(workers):
    with socket.create_server(("127.0.0.1", 0)) as server:
        if not Workers(1).call(without_network):
            pytest.skip("this kernel grants no network of its own")
        assert faults.connected(server.getsockname()[1])
        with pytest.raises(OSError):
            workers.call(faults.connected, server.getsockname()[1])


def test_streams(workers):
    for number in (0, 1, 2, 3, 4, 50):
        with workers.stream(faults.counted, number) as items:
            found = [(item.image[0, 0, 0], item.image.shape, item.time) for item in items]
        assert found == [(index, (10, 10, 3), Fraction(index, 25)) for index in range(number)]
    with workers.stream(faults.counted, 1000) as items:  # left in the middle
        assert next(items).time == 0
    with pytest.raises(UserError), workers.stream(faults.counted, 10, 10, 5, name="a.mp4") as items:
        for count, item in enumerate(items):
            assert item.time == Fraction(count, 25)
    assert count == 4
    assert workers.call(faults.greedy, 7) == 7


def test_several_threads_at_once(workers):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(6) as pool:
        sizes = list(pool.map(lambda size: workers.call(faults.greedy, size), range(40)))
    assert sizes == list(range(40))


def test_workers_end(tmp_path):
    with Workers(2, LIMITS, ready=2) as workers:
        assert workers.call(faults.greedy, 3) == 3
        processes = [worker._process for worker in workers._all]
    assert len(processes) == 2 and all(process.poll() is not None for process in processes)


def test_what_is_read_and_written(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"x")
    with Workers(1, LIMITS, folders=[here]) as workers:
        assert workers.call(faults.missing, str(here / "a.txt")) == b"x"
        if not Workers(1).call(only_reading):
            pytest.skip("this kernel grants no bounds of files")
        for path in (there / "a.txt", "/etc/passwd", "/etc/hostname"):
            with pytest.raises(OSError):
                workers.call(faults.missing, str(path))
        for function in (faults.emptied, faults.removed):
            with pytest.raises(OSError):
                workers.call(function, str(here / "a.txt"))
    assert (here / "a.txt").read_bytes() == b"x"


def test_secrets_of_the_environment_stay_here(monkeypatch):
    for name in ("MATTING_TOKEN", "aws_secret_access_key", "PLAIN"):
        monkeypatch.setenv(name, "x")
    with Workers(1, LIMITS) as workers:
        found = workers.call(faults.environment)
    assert "PLAIN" in found and not {"MATTING_TOKEN", "aws_secret_access_key"} & set(found)


@pytest.mark.parametrize("answer", [
    b"", b"[]", b"[1]", b"[[[[", b'["done", ["os.system", "x"]]', b'["done", ["array", "|O", 3]]',
    b'["done", ["array", "|u1", -1]]', b'["done", ["array", "|u1", 99999999999]]', b'["done", ["bytes", 9e9]]',
    b'["done", ["fraction", 1, 0]]', b'["done", ' + b"9" * 5000 + b"]", b"[" * 100_000, b"\xff\xfe"])
def test_answers_that_are_none(workers, answer):
    with pytest.raises(UserError, match="a.png"):
        workers.call(faults.answered, answer, name="a.png")
    assert workers.call(faults.greedy, 7) == 7


def test_workers_are_renewed(monkeypatch):
    monkeypatch.setattr("bgmatting.utils.isolation.USES", 3)
    with Workers(1, LIMITS, ready=1) as workers:
        numbers = [workers.call(faults.process) for _ in range(7)]
    assert [numbers.index(number) for number in numbers] == [0, 0, 0, 3, 3, 3, 6]
