"""Opens the weights of any matting method as what ``evaluation.methods.Network`` runs."""
import numpy as np

from model.methods import find_method
from model.weights import file_sha256, read_weights, weights_path
from model.weights.files import read_facts
from utils.errors import UserError
from utils.machine import find_device


def open_matter(file, method=None, unmix=False, device=None, refining=None, **options):
    """(object with ``predict`` and ``settings`` as ``model.Matter`` has them, the ``Method``) of a weights file.

    Args:
        file: a weights file or a folder of a run; None: the starter weights.
        method: name of the method that they are of; None: as the file's header says, else "background".
        unmix, refining: of ``model.Matter`` where the method has two photos: the last step, and a dict of settings.
        device, options: of ``model.Matter``; methods of one photo run in Paddle and take the device alone.

    Raises:
        UserError: the weights cannot be read, or are not of that method.
    """
    from model import Matter  # takes its time to import
    path = weights_path(file)
    found = find_method(method or read_facts(path).get("method", "background"))
    if found.needs == "bgr":
        return Matter(file, unmix=unmix, device=device, **(refining or {}), **options), found
    return SingleMatter(path, found, device), found


class SingleMatter:
    """A method of one photo in Paddle, as ``model.Matter`` is used.

    Args:
        path: its weights; method: a ``Method``; device: as of ``model.Matter``.

    Raises:
        UserError: the weights are not of this method, or of none of its backbones.
    """

    def __init__(self, path, method, device=None):
        import paddle

        from model.weights import load_paddleseg_state
        self._method, device = method, find_device(device)
        paddle.set_device(device)
        arrays, metadata = read_weights(path)
        named = metadata.get("backbone")
        for backbone in [named] if named in method.backbones else method.backbones:
            self._network = method.build(backbone)
            try:
                load_paddleseg_state(self._network, arrays)
                break
            except ValueError as error:
                why = error
        else:
            raise UserError(f"{path} holds no weights of the method {method.name}: {why}. Name another file, or --method.")
        self._network.eval()
        self.settings = {"weights": str(path), "sha256": file_sha256(path), "method": method.name, "backbone": backbone,
                         "backend": "paddle", "device": device}

    def predict(self, src, trimap=None, want=("pha",)):
        """``Matte`` with pha, float32 (H, W) in 0..1, alone, whatever else is in ``want``. Args as of ``Method.inputs``."""
        from model.inference.matte import Matte
        from model.methods.running import matted
        return Matte(matted(self._method, self._network, np.ascontiguousarray(src), trimap), None, None, None)
