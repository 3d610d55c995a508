"""docs/slurm/folder.sbatch with a stand-in for srun: the array does every photo once."""
import json
import os
import shutil
import subprocess

import pytest

from bgmatting.commands import predict
from bgmatting.prediction.options import options_of
from bgmatting.prediction.photos.plan import photo_jobs, pictures_of
from bgmatting.utils.files import PROJECT
from tests.prediction.command import write_folders

SCRIPT = PROJECT / "docs" / "slurm" / "folder.sbatch"
SRUN = '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n'
RECORD = "import json, sys; print(json.dumps(sys.argv[1:]))"


def command_of(folder, number, first, count, *flags):
    """The command line of predict.py that one job of the array runs."""
    environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(folder),
                   "SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_TASK_MIN": str(first),
                   "SLURM_ARRAY_TASK_COUNT": str(count)}
    done = subprocess.run(["bash", str(SCRIPT), str(folder / "photos"), str(folder / "rooms"), str(folder / "out"), *flags],
                          env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("first", [0, 5])
def test_the_parts_of_an_array_are_the_folder(tmp_path, first):
    names = [f"photo {number}" for number in range(9)]
    write_folders(tmp_path, names)
    for path, text in (("bin/srun", SRUN), (".venv/bin/activate", ""), ("predict.py", RECORD),
                       ("bin/python", f'#!/bin/sh\nexec {shutil.which("python3") or "python3"} "$@"\n')):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    done = []
    for number in range(first, first + 2):
        options = options_of(vars(predict.parse(command_of(tmp_path, number, first, 2, "--type", "pha"))))
        assert options.type == ["pha"]
        plan = photo_jobs(options, pictures_of(options, False))
        done += [job.name for job in plan.jobs]
    assert sorted(done) == names
