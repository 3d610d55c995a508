"""Matter: from two photos to a matte. The only door to inference; numpy in, numpy out."""

import contextlib

import cv2
import numpy as np

from model.geometry import ALPHA, BLOCK, COLOUR, ERROR, HIGHEST, LOWEST, PATCH
from model.inference.blocks import Blocks, choose, shrink
from model.inference.engines import open_engine
from model.inference.engines.graph_cache import BATCH
from model.inference.enlarge import enlarged_rows
from model.inference.matte import BRIEF, DTYPES, Matte, as_dtype, blocks_within, checked_size, padded
from model.inference.scale import coarse_size, padding_and_scale
from model.inference.unmix import unmix
from model.refinement import KERNEL_SIZE, NOTHING, Refinement, check_backbone_scale
from model.weights import describe_state, file_sha256, from_torch_names, read_weights, weights_path
from model.weights.metadata import settings_of
from utils.errors import UserError, suggest
from utils.machine import find_device, set_tf32

PRECISIONS = ("fp32", "fp16", "bf16", "auto")
STRIP = 256          # rows that are finished at once where they are handed out; a multiple of 16


class Matter:
    """Runs a matting network on photos of any size. May be used by several threads, and as a context manager.

    Args:
        weights: a weights file (.safetensors, .pdparams, the authors' .pth), or None for the starter weights.
            The backbone is told from the file.
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
        bits: 8 or 16: how many a channel will have of what is made of the mattes. Where the work is done on the device they
            come back as uint8 or float16, which is faster; elsewhere, and for None, as float32.

    Raises:
        UserError: the weights cannot be read or used, or an argument is not known.

    Example:
        from model import Matter
        with Matter() as matter:
            pha = matter.predict(src, bgr).pha      # src, bgr: uint8 RGB arrays of one size
    """

    def __init__(self, weights=None, backend="auto", device=None, backbone_scale=None, refine_mode=None,
                 sample_pixels=None, threshold=None, precision="fp32", threads=None, max_memory=None, unmix=True,
                 tf32=False, on_device=None, bits=None):
        if precision not in PRECISIONS:
            raise UserError(f"unknown precision '{precision}'.{suggest(precision, PRECISIONS)}")
        path = weights_path(weights)
        arrays, metadata = read_weights(path)
        arrays = from_torch_names(arrays)
        scale, refinement, told = settings_of({
            "backbone_scale": backbone_scale, "refine_mode": refine_mode, "refine_sample_pixels": sample_pixels,
            "refine_threshold": threshold}, metadata, path)
        with _named(path, "does not hold a matting network: {}."):
            described = describe_state(arrays)
        self._refines = described["refine_kernel_size"] is not None
        if not self._refines:  # a base network alone: its coarse result, enlarged
            refinement = NOTHING._replace(threshold=refinement.threshold)
        self._reach = (described["refine_kernel_size"] or KERNEL_SIZE) // 2
        device = find_device(device)
        self.settings = {
            "weights": str(path), "sha256": file_sha256(path), "backend": backend, "device": device,
            "backbone": described["backbone"], "backbone_scale": scale or "auto", "refine_mode": refinement.mode,
            "sample_pixels": refinement.sample_pixels, "threshold": refinement.threshold, "told_by_weights": told,
            "precision": precision, "unmix": bool(unmix), "tf32": None if device == "cpu" else set_tf32(tf32),
        }
        most = blocks_within(max_memory)
        self._batch = min(most or BATCH, BATCH)
        if on_device is None:
            on_device = device != "cpu" and backend in ("auto", "paddle")
        with _named(path, "cannot be used: {}"):
            self._engine = open_engine("paddle" if on_device else backend, described, arrays, self.settings["sha256"],
                                       device, precision, threads, bool(self.settings["tf32"]))
        self.settings.update(backend=self._engine.name, precision=self._engine.precision)
        self.device_matting = None  # the whole work on the device, where it is done there
        self._dtype = BRIEF[bits] if on_device and bits is not None else "float32"
        if on_device:
            from model.inference.device import DeviceMatting  # imports paddle
            self.device_matting = DeviceMatting(self._engine.network, device, self._engine.precision, most)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def sample_pixels(self):
        """How many pixels mode "sampling" refines; may be set between calls. Stays 0 for a base network alone.

        Raises:
            UserError: set to less than 0.
        """
        return self.settings["sample_pixels"]

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

    def close(self):
        """Give the engine's memory back; the object is not used afterwards."""
        self._engine.close()

    def predict(self, src, bgr, want=Matte._fields, rows=None, dtype=None):
        """Matte one photo.

        Args:
            src: uint8 (H, W, 3) RGB, the photo with the subject.
            bgr: uint8 (H, W, 3) RGB, the same scene without it.
            want: which of "pha", "fgr", "err", "ref" to make; the others are None, and cost nothing.
            rows: None, or called with (top, Matte of the rows from there) again and again until all are handed out, for
                photos whose whole colours would take too much memory.
            dtype: of what comes back: "float32", "float16", or "uint8", which is 255 times the value, rounded, on a GPU
                before it comes back. None: as ``bits`` of this Matter has it, else "float32".

        Returns:
            Matte(pha (H, W), fgr (H, W, 3), err (H, W), ref (H, W)) in 0..1; ref is 1 where it was refined. None where
            ``rows`` is given.

        Raises:
            ValueError: photos of another dtype, nothing in them, or the two differ in shape; or a ``dtype`` not known.
            UserError: uint8 is asked for, and the network's numbers are not finite.
        """
        if rows is None:
            return self.predict_batch([src], [bgr], want, dtype)[0]
        if self.device_matting is not None:
            rows(0, self.predict_batch([src], [bgr], want, dtype)[0])
            return None
        (height, width), dtype = checked_size(src, bgr), self._answer(dtype)
        src, bgr, coarse = self._coarse([src], [bgr])
        coarse = coarse[0].copy()
        self._engine.forget()
        for top, matte in self._strips(coarse, src[0], bgr[0], want):
            rows(top, Matte(*(None if image is None else as_dtype(image[:max(height - top, 0), :width], dtype)
                              for image in matte)))
        return None

    def predict_batch(self, srcs, bgrs, want=Matte._fields, dtype=None):
        """Matte photos of one size together: lists as long as each other, of what ``predict`` takes and returns."""
        if len(srcs) != len(bgrs) or len({src.shape for src in srcs}) > 1:
            raise ValueError("a batch is as many src as bgr, all of one size")
        dtype = self._answer(dtype)
        if not srcs:
            return []
        height, width = [checked_size(src, bgr) for src, bgr in zip(srcs, bgrs)][0]
        if self.device_matting is not None:  # to and fro between the host and a GPU costs more than it saves
            unit, scale = self._plan((height, width))
            with self._engine.lock:
                return [self.device_matting(src, bgr, scale, self._refinement(), want, self.settings["unmix"], dtype, unit)
                        for src, bgr in zip(srcs, bgrs)]
        srcs, bgrs, coarse = self._coarse(srcs, bgrs)
        return [Matte(*(None if image is None else as_dtype(image[:height, :width], dtype)
                        for image in self._refine(coarse_one, src, bgr, want)))
                for coarse_one, src, bgr in zip(coarse, srcs, bgrs)]

    def _answer(self, dtype):
        """The ``dtype`` of a call, of which this Matter has its own."""
        if dtype not in (None, *DTYPES):
            raise ValueError(f"mattes are made as {', '.join(DTYPES)}, not as {dtype}")
        return dtype or self._dtype

    def _plan(self, size):
        return padding_and_scale(size, self.settings["backbone_scale"])

    def _coarse(self, srcs, bgrs):
        """(padded srcs, padded bgrs, coarse arrays (B, h, w, 37)) of photos of one size."""
        unit, scale = self._plan(srcs[0].shape[:2])
        srcs, bgrs = ([padded(photo, unit) for photo in photos] for photos in (srcs, bgrs))
        size = coarse_size(srcs[0].shape[:2], scale)
        small = (np.stack([shrink(photo, *size) for photo in photos]) for photos in (srcs, bgrs))
        return srcs, bgrs, self._engine.coarse(*small)

    def _refinement(self):
        return Refinement(*(self.settings[name] for name in ("refine_mode", "sample_pixels", "threshold")))

    def _refine(self, coarse, src, bgr, want):
        """A Matte of one padded photo, from its coarse array (h, w, 37)."""
        (height, width), settings = src.shape[:2], self.settings
        err_sm, chosen = self._chosen(coarse, height, width)
        pha = resize(np.clip(coarse[..., ALPHA], 0, 1), height, width)
        fgr = resize(np.ascontiguousarray(coarse[..., COLOUR]), height, width) if "fgr" in want else None
        quarter = coarse.shape[0] * 4 == height and coarse.shape[1] * 4 == width
        blocks = Blocks(chosen, self._reach, quarter)
        if len(blocks) and not quarter and 4 * coarse.shape[0] > height and coarse.shape[:2] != (height // 2, width // 2):
            coarse = resize(np.clip(coarse, LOWEST, HIGHEST), height // 2, width // 2)
        coarse = np.ascontiguousarray(coarse)
        for batch, refined in self._refined(blocks, coarse, src, bgr):
            blocks.paste(batch, refined, pha, fgr)
        np.clip(pha, 0, 1, out=pha)
        if settings["unmix"] and "pha" in want:
            unmix(src, bgr, pha, np.ascontiguousarray(coarse[..., COLOUR]))
        if fgr is not None:
            cv2.addWeighted(src, 1 / 255, fgr, 1, 0, dst=fgr, dtype=cv2.CV_32F)
            np.clip(fgr, 0, 1, out=fgr)
        return Matte(pha if "pha" in want else None, fgr, resize(err_sm, height, width) if "err" in want else None,
                     chosen.repeat(PATCH, 0).repeat(PATCH, 1).astype(np.float32) if "ref" in want else None)

    def _chosen(self, coarse, height, width):
        """(predicted error at the coarse size, which patches to refine)"""
        err_sm = np.clip(coarse[..., ERROR], 0, 1)
        return err_sm, choose(resize(err_sm, height // PATCH, width // PATCH), *self._refinement())

    def _refined(self, blocks, coarse, src, bgr):
        """(batch, its refined blocks), one after the other."""
        for batch in blocks.batches(self._batch):
            inputs, count = blocks.inputs(batch, coarse, src, bgr), batch.stop - batch.start
            yield batch, self._engine.blocks(_filled(inputs, self._batch), blocks.quarter)[:count]

    def _strips(self, coarse, src, bgr, want):
        """As ``_refine``: (top, Matte of ``STRIP`` rows from there), from top to bottom."""
        (height, width), settings = src.shape[:2], self.settings
        err_sm, chosen = self._chosen(coarse, height, width)
        blocks = Blocks(chosen, self._reach, coarse.shape[0] * 4 == height and coarse.shape[1] * 4 == width)
        pha = resize(np.clip(coarse[..., ALPHA], 0, 1), height, width)
        refined = np.empty((len(blocks), BLOCK, BLOCK, 4), np.float32)
        for batch, part in self._refined(blocks, coarse, src, bgr):
            blocks.paste(batch, part, pha, None)
            refined[batch] = part
        np.clip(pha, 0, 1, out=pha)
        residual = np.ascontiguousarray(coarse[..., COLOUR])
        if settings["unmix"] and "pha" in want:
            unmix(src, bgr, pha, residual)
        for top in range(0, height, STRIP):
            bottom, fgr = min(top + STRIP, height), None
            if "fgr" in want:
                fgr = enlarged_rows(residual, height, width, top, bottom)
                place = blocks.between(top, bottom)
                blocks.paste(place, refined[place], None, fgr, top)
                cv2.addWeighted(src[top:bottom], 1 / 255, fgr, 1, 0, dst=fgr, dtype=cv2.CV_32F)
                np.clip(fgr, 0, 1, out=fgr)
            err = enlarged_rows(err_sm, height, width, top, bottom) if "err" in want else None
            ref = chosen[top // PATCH:bottom // PATCH].repeat(PATCH, 0).repeat(PATCH, 1).astype(np.float32)
            yield top, Matte(pha[top:bottom] if "pha" in want else None, fgr, err, ref if "ref" in want else None)


@contextlib.contextmanager
def _named(path, said):
    """Make a UserError that names the file of a ValueError."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{path} {said.format(error)}") from None


def resize(image, height, width):
    """float32 (h, w[, C]) -> (height, width[, C]), bilinear without antialiasing; the array itself where it fits."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _filled(inputs, count):
    """A batch brought to ``count`` blocks, so that engines see one shape only."""
    missing = count - len(inputs["src"])
    if not missing:
        return inputs
    return {name: array if name == "spread" and len(array) == 1 else
            np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)]) for name, array in inputs.items()}
