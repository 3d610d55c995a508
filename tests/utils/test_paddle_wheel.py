"""The choice of Paddle's wheel, with stand-ins for nvidia-smi and pip."""
import sys

import pytest

from bgmatting.utils import paddle_wheel
from bgmatting.utils.files import PROJECT
from bgmatting.utils.paddle_wheel import Card, candidates, cpu_line, doubt, install, read_card, wanted

SAID = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 560.35.03              Driver Version: 560.35.03      CUDA Version: {}     |
|=========================================+========================+======================|
|   0  Tesla V100-SXM2-32GB           On  |   00000000:00:04.0 Off |                    0 |
+-----------------------------------------+------------------------+----------------------+
"""
CPU = "paddlepaddle==3.3.1"
OLD = ("paddlepaddle-gpu==2.6.2", "numpy<2", "setuptools<81")


def v100(cuda, capability=None):
    return Card("Tesla V100-SXM2-32GB", cuda, capability)


def tried(*outcomes):
    """A stand-in for commands: what they answer, in turn, and what they were."""
    commands, left = [], list(outcomes)

    def call(command):
        commands.append(command[1:])
        return left.pop(0)
    return call, commands


def test_reads_what_the_driver_says():
    assert read_card(SAID.format("12.6"), "7.0\n") == v100((12, 6), (7, 0))
    assert read_card(SAID.format("13.1"), "Field \"compute_cap\" is not a valid field") == v100((13, 1))
    assert read_card("No devices were found") == Card("a card", None)


def test_the_cpu_wheel_is_that_of_the_requirements():
    assert cpu_line((PROJECT / "requirements.txt").read_text()) == CPU
    assert cpu_line("numpy\npaddlepaddle==3.3.1  # why\n") == CPU


@pytest.mark.parametrize("cuda, capability, indexes", [
    ((13, 1), None, ["cu130", "cu129", "cu126", "cu118"]), ((12, 8), None, ["cu126", "cu118"]), ((11, 8), None, ["cu118"]),
    ((12, 0), (8, 6), ["cu118"]), ((12, 9), (8, 9), ["cu129", "cu126", "cu118"]),
    ((13, 0), (7, 0), ["cu126", "cu118"]),     # CUDA 13 has nothing for a V100, though its last driver names it
    ((12, 8), (12, 0), ["cu129"]),             # Blackwell and its first driver
    ((13, 0), (10, 0), ["cu130", "cu129"])])
def test_no_cuda_that_driver_or_card_cannot_run(cuda, capability, indexes):
    wheels = candidates(v100(cuda, capability), CPU, {})
    found = [wheel.arguments for wheel in wheels]
    assert [arguments[2].split("/")[-2] for arguments in found if "-i" in arguments] == indexes
    assert found[-1] == (CPU,) and (OLD in found) == (capability is None or capability < (10, 0))
    assert all(f"CUDA {cuda[0]}.{cuda[1]}" in wheel.why for wheel in wheels)


@pytest.mark.parametrize("libc, cpu, first", [
    (None, (CPU,), "paddlepaddle-gpu==3.3.1"), ((2, 28), (CPU,), "paddlepaddle-gpu==3.3.1"),
    ((2, 27), ("paddlepaddle==3.2.2", "setuptools<81"), "paddlepaddle-gpu==3.2.2"),
    ((2, 17), ("paddlepaddle==2.6.2", "numpy<2", "setuptools<81"), "paddlepaddle-gpu==2.6.2")])
def test_a_paddle_that_loads_on_an_old_glibc(libc, cpu, first):
    wheels = candidates(v100((12, 6)), CPU, {}, libc)
    assert wheels[0].arguments[0] == first and wheels[-1].arguments == cpu
    assert candidates(None, CPU, {}, libc)[0].arguments == cpu


@pytest.mark.parametrize("card, environ", [
    (None, {}), (v100((12, 6)), {"CPU": "1"}), (v100((12, 6)), {"CPU": "yes"}), (v100((10, 2)), {}), (v100(None), {})])
def test_the_cpu_wheel_where_no_gpu_is_or_wanted(card, environ):
    (wheel,) = candidates(card, CPU, environ)
    assert wheel.arguments == (CPU,)


def test_what_is_installed_beside():
    text = "# all\npaddlepaddle==3.3.1\nnumpy>=1.21  # arrays\nopencv-python>=4\n\nav>=14; python_version > '3.8'\n"
    assert wanted(text, {}.__contains__) == ["numpy>=1.21", "opencv-python>=4", "av>=14; python_version > '3.8'"]
    assert wanted(text, {"cv2"}.__contains__) == ["numpy>=1.21", "av>=14; python_version > '3.8'"]


def test_setuptools_for_an_old_paddle_on_a_new_python(monkeypatch):
    for python, paddle, wants in [((3, 12, 1), "2.6.2", True), ((3, 12, 1), "3.3.1", False), ((3, 11, 7), "2.6.2", False)]:
        monkeypatch.setattr(sys, "version_info", python)
        monkeypatch.setattr(paddle_wheel, "installed", lambda paddle=paddle: {"paddlepaddle-gpu": paddle})
        monkeypatch.setattr(paddle_wheel, "has_module", lambda name: False)
        assert paddle_wheel.lacks_setuptools() == wants


def test_the_check_decides():
    wheels, lines = candidates(v100((12, 6)), CPU, {}), []
    call, commands = tried((1, "ERROR: Could not find a version"), (1, "cannot connect"),  (1, ""), (0, ""),
                           (0, ""), (1, "OSError: libcudnn.so is missing"), (0, ""), (0, ""))
    assert install(wheels, call, lines.append).arguments == (CPU,)
    assert len(lines) == 4 and "Could not find" in lines[0] and "libcudnn" in lines[2] and CPU in lines[3]
    removed = [command for command in commands if "uninstall" in command]
    assert len(removed) == 3 and all(command[-1] == "paddlepaddle-gpu" for command in removed)


def test_the_first_that_works_is_kept():
    wheels = candidates(v100((12, 6)), CPU, {})
    call, commands = tried((0, ""), (0, "PaddlePaddle is installed successfully!"))
    assert install(wheels, call, lambda line: None) == wheels[0] and len(commands) == 2


def test_nothing_can_be_installed():
    call, _ = tried((1, "no network"))
    assert install([paddle_wheel.Wheel((CPU,), "x")], call, lambda line: None) is None


def test_a_cpu_paddle_beside_a_card_is_named():
    assert "Tesla V100-SXM2-32GB is there" in doubt(False, v100((12, 6)))
    assert doubt(True, v100((12, 6))) is None and doubt(False, None) is None
