"""Matter: from two photos to a matte. The only door to inference; numpy in, numpy out."""

import cv2
import numpy as np

from model.geometry import ALPHA, BLOCK, COLOUR, ERROR, HIGHEST, LOWEST, PATCH
from model.inference.blocks import Blocks, choose, shrink
from model.inference.engines import open_engine
from model.inference.engines.graph_cache import BATCH
from model.inference.enlarge import enlarged_rows
from model.inference.matte import Matte, checked_size, padded
from model.inference.unmix import unmix
from model.refinement import KERNEL_SIZE, NOTHING, Refinement, check_backbone_scale, check_refinement
from model.weights import describe_state, file_sha256, from_torch_names, read_weights, weights_path
from utils.errors import UserError, suggest
from utils.machine import find_device

PRECISIONS = ("fp32", "fp16", "bf16")
QUARTER_FROM = 2560  # pixels of a photo's longer side; smaller ones are shown to the coarse network at half their size
EIGHTH_FROM = 10_000  # likewise: at a quarter of it the coarse network would take gigabytes, and see little at a time
STRIP = 256          # rows that are finished at once where they are handed out; a multiple of 16
BLOCK_BYTES = 400_000  # what refining one block takes at once, seen with every engine


class Matter:
    """Runs a matting network on photos of any size. May be used by several threads, and as a context manager.

    Args:
        weights: a weights file (.safetensors, .pdparams, the authors' .pth), or None for the starter weights.
            The backbone is told from the file.
        backend: "paddle", "paddle-inference", "onnxruntime", "openvino"; "auto" takes the fastest that is installed and
            passes its self-check; ``settings["backend"]`` says which.
        device: "cpu", "gpu" or "gpu:N"; None takes a GPU where there is one.
        backbone_scale: size of the coarse network's input relative to the photo, at most 0.5. None: 0.5, 0.25 for
            photos whose longer side is ``QUARTER_FROM`` or more, and 0.125 from ``EIGHTH_FROM`` on. 0.25 is faster, and sees
            less of small photos.
        refine_mode: "sampling", "thresholding" or "full"; None: "sampling".
        sample_pixels: how many pixels "sampling" refines; None: 80,000.
        threshold: predicted error above which "thresholding" refines; None: 0.1.
        precision: "fp32"; "bf16" and "fp16" are faster where a backend and the device compute in them, and differ a little.
        threads: of a CPU backend; None: its own choice.
        max_memory: MiB that refining may take at once, beyond the photos and mattes themselves; None: what is fastest.
            The result does not depend on it.
        unmix: end with ``model.inference.unmix``, which draws fine strands; False gives the network's answer as it is.

    Raises:
        UserError: the weights cannot be read or used, or an argument is not known.

    Example:
        from model import Matter
        with Matter() as matter:
            pha = matter.predict(src, bgr).pha      # src, bgr: uint8 RGB arrays of one size
    """

    def __init__(self, weights=None, backend="auto", device=None, backbone_scale=None, refine_mode=None,
                 sample_pixels=None, threshold=None, precision="fp32", threads=None, max_memory=None, unmix=True):
        given = {"mode": refine_mode, "sample_pixels": sample_pixels, "threshold": threshold}
        refinement = check_refinement(Refinement(**{name: value for name, value in given.items() if value is not None}))
        if precision not in PRECISIONS:
            raise UserError(f"unknown precision '{precision}'.{suggest(precision, PRECISIONS)}")
        if backbone_scale is not None:
            check_backbone_scale(backbone_scale)
        path = weights_path(weights)
        arrays = from_torch_names(read_weights(path)[0])
        try:
            described = describe_state(arrays)
        except ValueError as error:
            raise UserError(f"{path} does not hold a matting network: {error}.") from None
        self._refines = described["refine_kernel_size"] is not None
        if not self._refines:  # a base network alone: its coarse result, enlarged
            refinement = NOTHING._replace(threshold=refinement.threshold)
        self._reach = (described["refine_kernel_size"] or KERNEL_SIZE) // 2
        self.settings = {
            "weights": str(path), "sha256": file_sha256(path), "backend": backend, "device": find_device(device),
            "backbone": described["backbone"], "backbone_scale": backbone_scale or "auto",
            "refine_mode": refinement.mode, "sample_pixels": refinement.sample_pixels, "threshold": refinement.threshold,
            "precision": precision, "unmix": bool(unmix),
        }
        self._batch = _blocks_at_once(max_memory)
        try:
            self._engine = open_engine(backend, described, arrays, self.settings["sha256"], self.settings["device"],
                                       precision, threads)
        except UserError:
            raise
        except ValueError as error:
            raise UserError(f"{path} cannot be used: {error}") from None
        self.settings["backend"] = self._engine.name

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

    def close(self):
        """Give the engine's memory back; the object is not used afterwards."""
        self._engine.close()

    def predict(self, src, bgr, want=Matte._fields, rows=None):
        """Matte one photo.

        Args:
            src: uint8 (H, W, 3) RGB, the photo with the subject.
            bgr: uint8 (H, W, 3) RGB, the same scene without it.
            want: which of "pha", "fgr", "err", "ref" to make; the others are None, and cost nothing.
            rows: None, or called with (top, Matte of the rows from there) again and again until all are handed out, for
                photos whose whole colours would take too much memory.

        Returns:
            Matte(pha (H, W), fgr (H, W, 3), err (H, W), ref (H, W)), float32 in 0..1; ref is 1 where it was refined. None
            where ``rows`` is given.

        Raises:
            ValueError: another dtype, nothing in it, or the two differ in shape.
        """
        if rows is None:
            return self.predict_batch([src], [bgr], want)[0]
        height, width = checked_size(src, bgr)
        if self._is_there():
            rows(0, self._predict_there(src, bgr, want))
            return None
        src, bgr, coarse = self._coarse([src], [bgr])
        coarse = coarse[0].copy()
        self._engine.forget()
        for top, matte in self._strips(coarse, src[0], bgr[0], want):
            rows(top, Matte(*(None if image is None else image[:max(height - top, 0), :width] for image in matte)))
        return None

    def predict_batch(self, srcs, bgrs, want=Matte._fields):
        """Matte photos of one size together: lists as long as each other, of what ``predict`` takes and returns."""
        if len(srcs) != len(bgrs) or len({src.shape for src in srcs}) > 1:
            raise ValueError("a batch is as many src as bgr, all of one size")
        if not srcs:
            return []
        height, width = [checked_size(src, bgr) for src, bgr in zip(srcs, bgrs)][0]
        if self._is_there():
            return [self._predict_there(src, bgr, want) for src, bgr in zip(srcs, bgrs)]
        srcs, bgrs, coarse = self._coarse(srcs, bgrs)
        return [Matte(*(None if image is None else image[:height, :width]
                        for image in self._refine(coarse_one, src, bgr, want)))
                for coarse_one, src, bgr in zip(coarse, srcs, bgrs)]

    def _is_there(self):
        """Whether the whole network runs on a GPU: to and fro between it and the host costs more than it saves."""
        return self.settings["device"] != "cpu" and self._engine.network is not None

    def _coarse(self, srcs, bgrs):
        """(padded srcs, padded bgrs, coarse arrays (B, h, w, 37)) of photos of one size."""
        wanted = self.settings["backbone_scale"]
        is_eighth = wanted == "auto" and max(srcs[0].shape[:2]) > EIGHTH_FROM - PATCH  # it may be padded up to that
        srcs, bgrs = ([padded(photo, 2 * PATCH if is_eighth else PATCH) for photo in photos] for photos in (srcs, bgrs))
        size = coarse_size(srcs[0].shape[:2], wanted)
        small = (np.stack([shrink(photo, *size) for photo in photos]) for photos in (srcs, bgrs))
        return srcs, bgrs, self._engine.coarse(*small)

    def _predict_there(self, src, bgr, want):
        """A Matte by the whole network on the device."""
        from model.inference.device import run_network  # imports paddle
        settings = self.settings
        with self._engine.lock:
            matte = run_network(self._engine.network, src, bgr, settings["device"],
                                coarse_scale(src.shape[:2], settings["backbone_scale"]), settings["precision"],
                                self._refinement())
        if settings["unmix"] and "pha" in want:
            matte = (unmix(src, bgr, matte[0].copy(), matte[1] - src / np.float32(255)), *matte[1:])
        return Matte(*(value if name in want else None for name, value in zip(Matte._fields, matte)))

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


def coarse_size(size, scale="auto"):
    """(height, width) of the coarse network's input for a photo of ``size``, multiples of 4, as ``Matter`` chooses it."""
    return tuple(max(1, int(side * coarse_scale(size, scale))) for side in size)


def coarse_scale(size, scale="auto"):
    """The backbone scale for a photo of ``size`` (height, width): ``scale``, unless that is "auto"."""
    if scale != "auto":
        return scale
    if max(size) >= EIGHTH_FROM:
        return 0.125
    return 0.25 if max(size) >= QUARTER_FROM else 0.5


def resize(image, height, width):
    """float32 (h, w[, C]) -> (height, width[, C]), bilinear without antialiasing; the array itself where it fits."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _blocks_at_once(max_memory):
    """How many blocks to refine in one call, so that it takes at most ``max_memory`` MiB."""
    if max_memory is None:
        return BATCH
    count = int(max_memory * 2 ** 20 // BLOCK_BYTES)
    if count < 2:  # engines compute a single block in another order
        raise UserError(f"refining takes at least {2 * BLOCK_BYTES / 2 ** 20:.1f} MiB at once; {max_memory} MiB do not do.")
    return min(count, BATCH)


def _filled(inputs, count):
    """A batch brought to ``count`` blocks, so that engines see one shape only."""
    missing = count - len(inputs["src"])
    if not missing:
        return inputs
    return {name: array if name == "spread" and len(array) == 1 else
            np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)]) for name, array in inputs.items()}
