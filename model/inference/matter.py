"""Matter: from a photo, and what its method needs beside it, to a matte. The only door to inference; numpy in, numpy out."""

import contextlib

from bgmatting.model.inference.engines import open_engine
from bgmatting.model.inference.matte import BRIEF, DTYPES, blocks_within
from bgmatting.model.inference.pair import PairMatting
from bgmatting.model.inference.single import SingleMatting
from bgmatting.model.methods import method_of
from bgmatting.model.methods.recognition import refuse_refinement
from bgmatting.model.refinement import NOTHING, check_backbone_scale
from bgmatting.model.weights import file_sha256, from_torch_names, read_weights, weights_path
from bgmatting.model.weights.metadata import settings_of
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.machine import find_device, set_tf32

PRECISIONS = ("fp32", "fp16", "bf16", "auto")


class Matter:
    """Runs a matting method on photos of any size. May be used by several threads, and as a context manager.

    The method is told from the weights: "background" (src and bgr), "modnet" (src alone), "dim" (src and a trimap).

    Args:
        weights: a weights file (.safetensors, .pdparams, the authors' .pth), or None for the starter weights.
            Method and backbone are told from the file; names are ours, PaddleSeg's, or the PyTorch names of the authors
            of Background Matting V2 and of MODNet.
        backend: "paddle", "paddle-inference", "onnxruntime", "openvino"; "auto" takes the fastest that is installed and
            passes its self-check; ``settings["backend"]`` says which.
        device: "cpu", "gpu" or "gpu:N"; None takes a GPU where there is one.
        backbone_scale: size of the coarse network's input relative to the photo, at most 0.5. None: what the header of
            the weights file says; without that 0.5, 0.25 for photos whose longer side is 2560 pixels or more, and
            0.125 from 10,000 on. 0.25 is faster, and sees less of small photos.
        refine_mode: "sampling", "thresholding" or "full"; None: as the header says, else "sampling".
        sample_pixels: how many pixels "sampling" refines; None: as the header says, else 80,000.
        threshold: predicted error above which "thresholding" refines; None: as the header says, else 0.1.
        precision: "fp32"; "bf16" and "fp16" are faster where a backend and the device compute in them, and differ a little;
            "auto": bf16 in OpenVINO where this CPU has instructions for it, else fp32; ``settings["precision"]`` says which.
        threads: of a CPU backend; None: its own choice.
        max_memory: MiB that refining may take at once, beyond the photos and mattes themselves; None: what is fastest.
            The result does not depend on it.
        unmix: end with ``model.inference.unmix``, which draws fine strands; False gives the network's answer as it is.
        tf32: let a GPU round the factors of float32 products to 10 bits, which is faster; False: it does not. It holds for
            the process from the first work on a GPU on, and gives way to $NVIDIA_TF32_OVERRIDE where that is set.
        on_device: do all the work in Paddle's operations on the device, as is done on a GPU; None: on a GPU.
        bits: 8 or 16: how many a channel will have of what is made of the mattes. For 8 they come back as uint8, for 16 as
            float16 where the work is done on the device, which is faster; elsewhere, and for None, as float32.
        fill: with ``unmix``, also fill the holes that the photos say are none (``model.inference.holes``); predict.py does
            so for photos, not for films and cameras.

    ``backbone_scale`` to ``threshold``, ``max_memory``, ``unmix``, ``fill`` and ``on_device`` are of background.

    Attributes:
        method: the ``Method``. settings: what was chosen, and the weights' SHA-256.

    Raises:
        UserError: the weights cannot be read or used, or an argument is not known or of another method.

    Example:
        from bgmatting.model import Matter
        with Matter() as matter:
            pha = matter.predict(src, bgr).pha      # src, bgr: uint8 RGB arrays of one size
    """

    def __init__(self, weights=None, backend="auto", device=None, backbone_scale=None, refine_mode=None,
                 sample_pixels=None, threshold=None, precision="fp32", threads=None, max_memory=None, unmix=True,
                 tf32=False, on_device=None, bits=None, fill=True):
        if precision not in PRECISIONS:
            raise UserError(f"unknown precision '{precision}'.{suggest(precision, PRECISIONS)}")
        path = weights_path(weights)
        arrays, metadata = read_weights(path)
        arrays = from_torch_names(arrays)
        given = {"backbone_scale": backbone_scale, "refine_mode": refine_mode, "refine_sample_pixels": sample_pixels,
                 "refine_threshold": threshold}
        with _named(path, "does not hold a matting network: {}."):
            self.method, described = method_of(arrays, metadata)
        self._refines = described.get("refine_kernel_size") is not None
        self.settings = {"weights": str(path), "sha256": file_sha256(path), "backend": backend,
                         "device": find_device(device), "backbone": described["backbone"]}
        if self.method.refines:
            self._tell_refinement(given, metadata, path)
        else:
            refuse_refinement(given, self.method, path)
            self.settings.update(method=self.method.name, told_by_weights=[])
        device = self.settings["device"]
        self.settings.update(precision=precision, unmix=bool(unmix) and self.method.refines,
                             fill=bool(fill and unmix) and self.method.refines,
                             tf32=None if device == "cpu" else set_tf32(tf32))
        most = blocks_within(max_memory)
        if on_device is None:
            on_device = device != "cpu" and backend in ("auto", "paddle")
        with _named(path, "cannot be used: {}"):
            self._engine = open_engine("paddle" if on_device else backend, {**described, "method": self.method.name},
                                       arrays, self.settings["sha256"], device, precision, threads,
                                       bool(self.settings["tf32"]))
        self.settings.update(backend=self._engine.name, precision=self._engine.precision)
        self._dtype = BRIEF[bits] if bits == 8 or on_device and bits is not None else "float32"
        self.device_matting = None  # the whole work on the device, where it is done there
        if not self.method.refines:
            self._way = SingleMatting(self._engine, self.method)
            return
        if on_device:
            from bgmatting.model.inference.device import DeviceMatting  # imports paddle
            self.device_matting = DeviceMatting(self._engine.network, device, self._engine.precision, most)
        self._way = PairMatting(self._engine, self.settings, described["refine_kernel_size"], most, self.device_matting)

    def _tell_refinement(self, given, metadata, path):
        scale, refinement, told = settings_of(given, metadata, path)
        if not self._refines:  # a base network alone: its coarse result, enlarged
            refinement = NOTHING._replace(threshold=refinement.threshold)
        self.settings.update(backbone_scale=scale or "auto", refine_mode=refinement.mode,
                             sample_pixels=refinement.sample_pixels, threshold=refinement.threshold, told_by_weights=told)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def sample_pixels(self):
        """How many pixels mode "sampling" refines; may be set between calls. Stays 0 for what does not refine.

        Raises:
            UserError: set to less than 0.
        """
        return self.settings.get("sample_pixels", 0)

    @sample_pixels.setter
    def sample_pixels(self, count):
        if count < 0:
            raise UserError(f"the number of pixels to refine is at least 0, not {count}.")
        if self._refines:
            self.settings["sample_pixels"] = int(count)

    @property
    def backbone_scale(self):
        """Size of the coarse network's input relative to the photo, or "auto"; may be set between calls.

        Raises:
            UserError: set to a number that is not above 0 and at most 0.5.
        """
        return self.settings["backbone_scale"]

    @backbone_scale.setter
    def backbone_scale(self, scale):
        if scale != "auto":
            check_backbone_scale(scale)
        self.settings["backbone_scale"] = scale

    @property
    def streams(self):
        """How many calls of ``predict`` from as many threads the cores are divided among; may be set between calls.

        One call alone is fastest with 1, which it is at first. Many photos of one size, such as the frames of a film, are
        done sooner where each core works on its own. Stays 1 where the engine has no such setting.

        Raises:
            UserError: set to less than 1.
        """
        return self._engine.streams

    @streams.setter
    def streams(self, count):
        if count < 1:
            raise UserError(f"the number of calls at once is at least 1, not {count}.")
        self._engine.share(int(count))

    def close(self):
        """Give the engine's memory back; the object is not used afterwards."""
        self._engine.close()

    def predict(self, src, bgr=None, want=None, rows=None, dtype=None, trimap=None):
        """Matte one photo.

        Args:
            src: uint8 (H, W, 3) RGB, the photo with the subject.
            bgr: uint8 (H, W, 3) RGB, the same scene without it, where ``method.needs`` is "bgr".
            want: which of "pha", "fgr", "err", "ref" to make; the others are None, and cost nothing. None: all that the
                method's network finds. Where it finds no fgr, PyMatting does (``model.inference.foreground``); err and ref
                are of the method background alone.
            rows: None, or called with (top, Matte of the rows from there) again and again until all are handed out, for
                photos whose whole colours would take too much memory.
            dtype: of what comes back: "float32", "float16", or "uint8", which is 255 times the value, rounded, on a GPU
                before it comes back. None: as ``bits`` of this Matter has it, else "float32".
            trimap: uint8 (H, W), 0 background, 255 foreground, any other value unknown, where ``method.needs`` is "trimap".

        Returns:
            Matte(pha (H, W), fgr (H, W, 3), err (H, W), ref (H, W)) in 0..1; ref is 1 where it was refined. None where
            ``rows`` is given.

        Raises:
            ValueError: pictures of another dtype, nothing in them, they differ in size, one is missing or too much; or a
                ``dtype`` not known.
            UserError: ``want`` names what the method cannot give, PyMatting is needed and not installed, or uint8 is asked
                for and the network's numbers are not finite.
        """
        if rows is None:
            return self.predict_batch([src], None if bgr is None else [bgr], want, dtype,
                                      None if trimap is None else [trimap])[0]
        self._way.check(src, bgr, trimap)
        self._way.by_rows(src, bgr, trimap, want, rows, self._answer(dtype))
        return None

    def predict_batch(self, srcs, bgrs=None, want=None, dtype=None, trimaps=None):
        """Matte photos of one size together: lists as long as each other, of what ``predict`` takes and returns."""
        bgrs, trimaps = ([None] * len(srcs) if given is None else given for given in (bgrs, trimaps))
        if {len(srcs)} != {len(bgrs), len(trimaps)} or len({src.shape for src in srcs}) > 1:
            raise ValueError("a batch is as many src as bgr, all of one size")
        dtype = self._answer(dtype)
        if not srcs:
            return []
        for given in zip(srcs, bgrs, trimaps):
            self._way.check(*given)
        return self._way.batch(srcs, bgrs, trimaps, want, dtype)

    def _answer(self, dtype):
        """The ``dtype`` of a call, of which this Matter has its own."""
        if dtype not in (None, *DTYPES):
            raise ValueError(f"mattes are made as {', '.join(DTYPES)}, not as {dtype}")
        return dtype or self._dtype


@contextlib.contextmanager
def _named(path, said):
    """Make a UserError that names the file of a ValueError."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{path} {said.format(error)}") from None
