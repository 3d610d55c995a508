"""Two trainings in one folder."""
import os
import subprocess
import sys

from bgmatting.training.checkpoint_files import locked
from tests.training.runs import fails

HOLD = ("import sys, time\nfrom bgmatting.training.checkpoint_files import locked\n"
        "with locked(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(100)")


def test_a_second_training_in_the_folder_is_refused_and_touches_nothing(stage, tmp_path, capsys):
    path = stage(joint=0)
    (tmp_path / "run" / ".iter_9.tmp").mkdir(parents=True)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True,
                              cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    try:
        assert holder.stdout.readline() == "held\n"
        said = fails(capsys, path)
        assert "another training is at work in" in said and "--save-dir" in said
        assert sorted(os.listdir(tmp_path / "run")) == [".iter_9.tmp", "train.log"]
    finally:
        holder.kill()
        holder.wait()
    with locked(tmp_path / "run"):  # it ended with its process
        pass
