"""What a training run starts from: the network that its configuration describes, and weights from elsewhere."""
from pathlib import Path

from model.matting import MattingRefine
from model.weights import load_weights
from training.checkpoint import weights_file
from utils.errors import UserError


def network_of(config):
    """The MattingRefine that a configuration describes, with fresh weights."""
    refine = config["refine"]
    return MattingRefine(config["backbone"], refine["backbone_scale"], refine["mode"], refine["sample_pixels"],
                         refine["threshold"], refine["kernel_size"])


def load_pretrained(network, name):
    """Start ``network`` from a weights file, a checkpoint folder or "starter".

    Returns:
        (a line that says what was taken, whether the refiner was among it)

    Raises:
        UserError: nothing is there, or it is not for this network.
    """
    path = name if name == "starter" else weights_file(name)
    if path != "starter" and not Path(path).exists():
        raise UserError(f"no weights to start from at {name}. Run the stage before this one, or name other "
                        "weights with --pretrain (a file, a checkpoint folder, or 'starter').")
    report = load_weights(network, path, partial=True)
    line = f"[PRETRAIN] {path}: {len(report.matched)} arrays taken, {len(report.missing)} of this network not in it."
    return line, not any(name.startswith("refiner.") for name in report.missing)
