"""Which method a weights file is of."""
from bgmatting.model.methods import method_of
from bgmatting.model.weights import from_torch_names, read_weights, weights_path
from bgmatting.utils.errors import UserError


def recognised(weights):
    """(Method, what its ``recognise`` answers) of a weights file, None for the starter weights.

    Raises:
        UserError: it cannot be read, or is no method's.
    """
    path = weights_path(weights)
    arrays, metadata = read_weights(path)
    try:
        return method_of(from_torch_names(arrays), metadata)
    except ValueError as error:
        raise UserError(f"{path} does not hold a matting network: {error}.") from None


def refuse_refinement(settings, method, path):
    """Raise UserError where one of {name of a setting of MattingRefine: value or None} is given to another ``method``."""
    for name, value in settings.items():
        if value is not None:
            said = name.replace("refine_sample", "sample").replace("refine_threshold", "threshold").replace("_", " ")
            raise UserError(f"{said} {value} is for the method background, and {path} is of {method.name}. Leave it out.")
