"""Where the weights lie that come with the project, and whether they are whole."""
import hashlib
from pathlib import Path

from utils.errors import UserError

STARTER = Path(__file__).parent / "starter_mobilenetv2.safetensors"


def weights_path(name=None):
    """Path of a weights file: ``None`` and "starter" mean the one that comes with the project.

    Raises:
        UserError: the starter weights are wanted, and the file is missing or not what ``STARTER``'s .sha256 file says.
    """
    if name not in (None, "", "starter"):
        return Path(name)
    if not STARTER.is_file():
        raise UserError(f"the starter weights are not at {STARTER}. Fetch the project again, or name --weights.")
    wanted = STARTER.with_suffix(".sha256").read_text(encoding="ascii").split()[0]
    if hashlib.sha256(STARTER.read_bytes()).hexdigest() != wanted:
        raise UserError(f"{STARTER} is damaged: its checksum is not the one beside it. Fetch the project again.")
    return STARTER
