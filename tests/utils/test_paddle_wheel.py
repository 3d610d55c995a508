"""The choice of Paddle's wheel, with stand-ins for nvidia-smi and pip."""
import os
import stat
import subprocess
import sys

import pytest

from bgmatting.utils import paddle_wheel
from bgmatting.utils.files import PROJECT
from bgmatting.utils.paddle_wheel import candidates, card, cpu_line, doubt, driver_cuda, install

SAID = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 560.35.03              Driver Version: 560.35.03      CUDA Version: {}     |
|=========================================+========================+======================|
|   0  Tesla V100-SXM2-32GB           On  |   00000000:00:04.0 Off |                    0 |
+-----------------------------------------+------------------------+----------------------+
"""
CPU = "paddlepaddle==3.3.1"


def tried(*outcomes):
    """A stand-in for commands: what they answer, in turn, and what they were."""
    commands, left = [], list(outcomes)

    def call(command):
        commands.append(command[1:])
        return left.pop(0)
    return call, commands


def test_reads_what_the_driver_says():
    said = SAID.format("12.6")
    assert driver_cuda(said) == (12, 6) and card(said) == "Tesla V100-SXM2-32GB"
    assert driver_cuda("No devices were found") is None and driver_cuda(None) is None and card("x") == "a card"


def test_the_cpu_wheel_is_that_of_the_requirements():
    assert cpu_line((PROJECT / "requirements.txt").read_text()) == CPU
    assert cpu_line("numpy\npaddlepaddle==3.3.1  # why\n") == CPU


@pytest.mark.parametrize("cuda, indexes", [("13.1", ["cu130", "cu129", "cu126", "cu118"]), ("12.8", ["cu126", "cu118"]),
                                           ("12.6", ["cu126", "cu118"]), ("12.0", ["cu118"]), ("11.8", ["cu118"])])
def test_no_cuda_newer_than_the_driver(cuda, indexes):
    wheels = candidates(SAID.format(cuda), CPU, {})
    assert [wheel.arguments[2].split("/")[-2] for wheel in wheels[:-2]] == indexes
    assert wheels[-2].arguments == ("paddlepaddle-gpu==2.6.2", "numpy<2") and wheels[-1].arguments == (CPU,)
    assert all(f"CUDA {cuda}" in wheel.why for wheel in wheels)


@pytest.mark.parametrize("said, environ, why", [
    (None, {}, "no NVIDIA card"), (SAID.format("12.6"), {"CPU": "1"}, "CPU=1"), (SAID.format("10.2"), {}, "runs CUDA 10.2"),
    ("NVIDIA-SMI", {}, "names no CUDA")])
def test_the_cpu_wheel_where_no_gpu_is_or_wanted(said, environ, why):
    (wheel,) = candidates(said, CPU, environ)
    assert wheel.arguments == (CPU,) and why in wheel.why
    assert len(candidates(SAID.format("12.6"), CPU, {"CPU": "0"})) == 4


def test_the_check_decides():
    wheels, lines = candidates(SAID.format("12.6"), CPU, {}), []
    call, commands = tried((1, "ERROR: Could not find a version"), (1, "cannot connect"),  (1, ""), (0, ""),
                           (0, ""), (1, "OSError: libcudnn.so is missing"), (0, ""), (0, ""))
    assert install(wheels, call, lines.append).arguments == (CPU,)
    assert lines == ["paddle: not paddlepaddle-gpu==3.3.1: ERROR: Could not find a version",
                     "paddle: not paddlepaddle-gpu==3.3.1: it failed without a word",
                     "paddle: not paddlepaddle-gpu==2.6.2: OSError: libcudnn.so is missing",
                     "paddle: paddlepaddle==3.3.1 (Tesla V100-SXM2-32GB with a driver for CUDA 12.6, but no GPU wheel could "
                     "be installed and pass its check)"]
    removed = [command for command in commands if "uninstall" in command]
    assert len(removed) == 3 and all(command[-1] == "paddlepaddle-gpu" for command in removed)


def test_the_first_that_works_is_kept():
    wheels, lines = candidates(SAID.format("12.6"), CPU, {}), []
    call, commands = tried((0, ""), (0, "PaddlePaddle is installed successfully!"))
    assert install(wheels, call, lines.append) == wheels[0] and len(commands) == 2
    assert lines == ["paddle: paddlepaddle-gpu==3.3.1 (Tesla V100-SXM2-32GB with a driver for CUDA 12.6: CUDA 12.6 wheel of "
                     "Paddle's index)"]


def test_nothing_can_be_installed():
    call, _ = tried((1, "no network"))
    assert install([paddle_wheel.Wheel((CPU,), "x")], call, lambda line: None) is None


def test_a_cpu_paddle_beside_a_card_is_named():
    assert "Tesla V100-SXM2-32GB is there" in doubt(False, SAID.format("12.6"))
    assert doubt(True, SAID.format("12.6")) is None and doubt(False, None) is None


def test_as_a_command_with_a_stand_in_for_the_driver(tmp_path):
    """``nvidia-smi`` of the path is asked; a card whose driver is too old gets the CPU wheel, by a stand-in for pip."""
    smi, pip = tmp_path / "nvidia-smi", tmp_path / "pip" / "__main__.py"
    smi.write_text("#!/bin/sh\ncat <<'END'\n" + SAID.format("10.2") + "END\n")
    smi.chmod(smi.stat().st_mode | stat.S_IXUSR)
    pip.parent.mkdir()
    (pip.parent / "__init__.py").touch()
    pip.write_text("import sys\nprint('pip', *sys.argv[1:], file=open('called', 'a'))\n")
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(tmp_path)}
    environ.pop("CPU", None)
    done = subprocess.run([sys.executable, str(PROJECT / "utils" / "paddle_wheel.py"), "install"], env=environ,
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("paddle: paddlepaddle==3.3.1 (Tesla V100-SXM2-32GB is there, but its driver runs ")
    assert (tmp_path / "called").read_text() == "pip install -q paddlepaddle==3.3.1\n"
