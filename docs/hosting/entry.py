"""The same app for places that start a Python file and look at a port: AI Studio, ModelScope and their like.

Copy it to where such a place wants its entry, beside app.py, under the name that it wants (AI Studio: a file called
*.gradio.py; ModelScope: name it as the studio's entry). Its packages: requirements.txt, requirements-fast.txt,
requirements-web.txt. $PORT chooses the port (7860), $MATTING_TOKEN asks visitors for a word; without, it is open to
everybody, in frames of other sites too, as those places show it. MATTING_INSECURE=0, MATTING_ALLOWED_HOSTS and
MATTING_FRAME_ANCESTORS narrow that.
"""
import os
import sys
from pathlib import Path

HOME = next((folder for folder in Path(__file__).resolve().parents if (folder / "app.py").is_file()), None)


def main():
    if HOME is None:
        sys.exit("app.py is in no folder above; copy the whole project.")
    sys.path.insert(0, str(HOME))
    for name, word in {"MATTING_INSECURE": "1", "MATTING_ALLOWED_HOSTS": "*", "MATTING_FRAME_ANCESTORS": "*"}.items():
        os.environ.setdefault(name, word)
    from bgmatting.commands.serve import main as start
    from bgmatting.utils.cli import run_main
    run_main(start, ["--host", "0.0.0.0", "--port", os.environ.get("PORT", "7860"), "--no-browser"])


if __name__ == "__main__":
    main()
