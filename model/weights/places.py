"""Where the weights of a method are looked for that do not come with the project."""
from bgmatting.model.weights.files import WEIGHTS_SUFFIXES
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT

PLACE = PROJECT / "model" / "weights"


def placed_weights(method, backbone=None):
    """The weights file of a method: METHOD-BACKBONE with a weights suffix, or METHOD alone, in ``model/weights``.

    Args:
        method: a ``Method``. backbone: one of its backbones, or None: the first one that is there.

    Raises:
        UserError: there is none; what to fetch and where it goes is the error's second line.
    """
    backbones = method.backbones if backbone is None else (backbone,)
    for stem in [*(f"{method.name}-{name}" for name in backbones), *([method.name] if backbone is None else [])]:
        for suffix in WEIGHTS_SUFFIXES:
            if (PLACE / f"{stem}{suffix}").is_file():
                return PLACE / f"{stem}{suffix}"
    wanted = backbones[0]
    address = method.published.get(wanted)
    get = f"Get {address}" if address else f"Train {method.name} with {wanted}"
    raise UserError(f"the weights of {method.name}{'' if backbone is None else f' with {backbone}'} are not there.",
                    f"{get}, put it into {PLACE} as {method.name}-{wanted}.pdparams, or name it with --weights.")
