"""Matter: from two photos to a matte. The only door to inference; numpy in, numpy out."""
from collections import namedtuple

import numpy as np
import paddle
from paddle.nn import functional as F

from model.matting import MattingRefine
from model.refiner import REFINE_MODES
from model.weights import describe_state, file_sha256, load_state, read_weights, weights_path
from model.weights.loading import from_torch_names
from utils.errors import UserError, suggest

Matte = namedtuple("Matte", "pha fgr err ref")
BACKENDS = ("auto", "paddle")
SMALL = 1024  # pixels of a photo's longer side


class Matter:
    """Runs a matting network on photos of any size.

    Args:
        weights: a weights file (.safetensors, .pdparams, the authors' .pth), or None for the starter weights.
            The backbone is told from the file.
        backend: "auto" or "paddle".
        device: "cpu", "gpu" or "gpu:N"; None takes a GPU where there is one.
        backbone_scale: size of the coarse network's input relative to the photo; None: 0.25, and 0.5 for photos whose
            longer side is below ``SMALL``, where a quarter would show the network too little.
        refine_mode: "sampling", "thresholding" or "full"; None: "sampling".
        sample_pixels: how many pixels "sampling" refines; None: 80,000.
        threshold: predicted error above which "thresholding" refines; None: 0.1.

    Raises:
        UserError: the weights cannot be read or used, or an argument is not known.

    Example:
        from model import Matter
        matter = Matter()
        pha = matter.predict(src, bgr).pha      # src, bgr: uint8 RGB arrays of one size
    """

    def __init__(self, weights=None, backend="auto", device=None, backbone_scale=None, refine_mode=None,
                 sample_pixels=None, threshold=None):
        if backend not in BACKENDS:
            raise UserError(f"unknown backend '{backend}'.{suggest(backend, BACKENDS)}")
        if refine_mode not in (None, *REFINE_MODES):
            raise UserError(f"unknown refine mode '{refine_mode}'.{suggest(refine_mode, REFINE_MODES)}")
        path = weights_path(weights)
        arrays, _ = read_weights(path)
        arrays = from_torch_names(arrays)
        try:
            network = describe_state(arrays)
        except ValueError as error:
            raise UserError(f"{path} does not hold a matting network: {error}.") from None
        if network["refine_kernel_size"] is None:
            sample_pixels, refine_mode = 0, "sampling"  # a base network alone: its coarse result, enlarged
        self.settings = {
            "weights": str(path), "sha256": file_sha256(path), "backend": "paddle", "device": find_device(device),
            "backbone": network["backbone"], "backbone_scale": backbone_scale or "auto",
            "refine_mode": refine_mode or "sampling",
            "sample_pixels": 80_000 if sample_pixels is None else sample_pixels,
            "threshold": 0.1 if threshold is None else threshold,
        }
        self._network = self._build(arrays, network["refine_kernel_size"])

    def _build(self, arrays, kernel_size):
        settings = self.settings
        scale = settings["backbone_scale"]
        model = MattingRefine(settings["backbone"], 0.25 if scale == "auto" else scale, settings["refine_mode"],
                              settings["sample_pixels"], settings["threshold"], kernel_size or 3)
        if kernel_size is None:  # what the file lacks stays as it is, and is not used
            unused = {f"refiner.{name}": value.numpy() for name, value in model.refiner.state_dict().items()}
            arrays = {**arrays, **unused}
        try:
            load_state(model, arrays)
        except ValueError as error:
            raise UserError(f"{settings['weights']} cannot be used: {error}") from None
        model.eval()
        return model.to(settings["device"])

    def predict(self, src, bgr):
        """Matte one photo.

        Args:
            src: uint8 (H, W, 3) RGB, the photo with the subject.
            bgr: uint8 (H, W, 3) RGB, the same scene without it.

        Returns:
            Matte(pha (H, W), fgr (H, W, 3), err (H, W), ref (H, W)), float32 in 0..1; ref is 1 where it was refined.

        Raises:
            ValueError: another dtype, nothing in it, or the two differ in shape.
        """
        scale = self.settings["backbone_scale"]
        if scale == "auto":
            scale = 0.5 if max(src.shape[:2]) < SMALL else 0.25
        return run_network(self._network, src, bgr, self.settings["device"], scale)


def run_network(network, src, bgr, device, backbone_scale=None):
    """Matte one photo with a MattingRefine on ``device``.

    Args:
        backbone_scale: None: the network's own.
        src, bgr: as for ``Matter.predict``, which says what comes back and what is raised, too.
    """
    height, width = _checked(src, bgr)
    with paddle.no_grad():
        out = network(_tensor(src, device), _tensor(bgr, device), backbone_scale)
        size = list(out.pha.shape[2:])
        err = F.interpolate(out.err_sm, size=size, mode="bilinear", align_corners=False)
        ref = F.interpolate(out.ref_sm, size=size, mode="nearest")
    pha, fgr, err, ref = (x[0].numpy()[:, :height, :width] for x in (out.pha, out.fgr, err, ref))
    return Matte(pha[0], np.ascontiguousarray(fgr.transpose(1, 2, 0)), err[0], ref[0])


def find_device(name=None):
    """The device called ``name`` ("cpu", "gpu", "gpu:N"), or for None the first GPU, else the CPU.

    Raises:
        UserError: there is no such device.
    """
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if name is None:
        return "gpu:0" if gpus else "cpu"
    if name == "gpu":
        name = "gpu:0"
    known = ["cpu"] + [f"gpu:{number}" for number in range(gpus)]
    if name not in known:
        raise UserError(f"device '{name}' is not there.{suggest(name, known)}")
    return name


def _tensor(image, device):
    """uint8 (H, W, 3) -> float (1, 3, H', W') in 0..1, the last row and column repeated up to multiples of 4."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="edge")
    x = np.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(np.float32) / 255
    return paddle.to_tensor(x, place=_place(device))


def _checked(src, bgr):
    for name, image in (("src", src), ("bgr", bgr)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), not {image.dtype} {image.shape}")
    if src.shape != bgr.shape:
        raise ValueError(f"src and bgr must have one size, not {src.shape[:2]} and {bgr.shape[:2]}")
    if 0 in src.shape:
        raise ValueError(f"src and bgr are empty: {src.shape[:2]}")
    return src.shape[:2]


def _place(device):
    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(int(device.split(":")[1]))
