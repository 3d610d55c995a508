"""Where the weights lie that come with the project."""
from pathlib import Path

STARTER = Path(__file__).parent / "starter_mobilenetv2.safetensors"


def weights_path(name=None):
    """Path of a weights file: ``None`` and "starter" mean the one that comes with the project."""
    return STARTER if name in (None, "", "starter") else Path(name)
