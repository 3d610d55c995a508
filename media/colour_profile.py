"""Colour profiles (ICC) of pictures, applied by what they do and not by their names, and bringing colours to sRGB."""
import io

import numpy as np
from PIL import Image, ImageCms

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # a profile's colour space: ours, and Pillow's mode
WORDS = {"RGB": "RGB", "L": "gray", "CMYK": "CMYK", "LAB": "Lab"}
SAME = 2              # of 255: a profile that changes no colour by more is sRGB's, written by another hand
STEPS = 9             # values of each channel that are looked at for it
ROWS = 1 << 20        # pixels converted at once


class Profile:
    """A colour profile that fits the pixels: ``space`` as above, ``apply(pixels)``.

    Args:
        icc: its bytes. space: of the pixels.
    Raises:
        ValueError: it cannot be used with them; the text says why, to follow "its colour profile ".
    """

    def __init__(self, icc, space):
        self._space = space
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            found = SPACES.get(profile.profile.xcolor_space.strip())
        except Exception:  # littleCMS and Pillow raise what they like for damaged ones
            raise ValueError("cannot be read") from None
        if found != space:
            raise ValueError(f"is for {WORDS.get(found, 'other')} pixels, and its pixels are {WORDS[space]}")
        try:
            self._transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB")
        except Exception:
            raise ValueError("cannot be converted to sRGB") from None

    def apply(self, pixels):
        """uint8 (H, W[, C]) of its space as uint8 sRGB (H, W, 3)."""
        made = np.empty((*pixels.shape[:2], 3), np.uint8)
        step = max(1, ROWS // pixels.shape[1])
        for top in range(0, len(pixels), step):
            part = as_image(pixels[top:top + step], self._space)
            made[top:top + step] = np.asarray(ImageCms.applyTransform(part, self._transform))
        return made

    def changes(self):
        """False where it is that of sRGB itself, so that there is nothing to convert."""
        if self._space not in ("RGB", "L"):
            return True
        values = np.linspace(0, 255, STEPS).round().astype(np.uint8)
        if self._space == "L":
            probe = values[None]
            wanted = np.repeat(probe[..., None], 3, 2)
        else:
            wanted = probe = np.stack(np.meshgrid(values, values, values), -1).reshape(STEPS, -1, 3)
        return bool(np.abs(self.apply(probe).astype(int) - wanted).max() > SAME)


def usable_profile(icc, space, notes):
    """The ``Profile`` in the bytes ``icc`` for pixels of ``space``. None for none, for sRGB's own, and, with a note added to
    the list ``notes``, for one that does not fit."""
    if not icc:
        return None
    try:
        profile = Profile(icc, space)
    except ValueError as error:
        notes.append(f"its colour profile {error}; it is left out.")
        return None
    return profile if profile.changes() else None


def to_rgb(pixels, space, profile=None):
    """uint8 (H, W[, C]) of ``space`` as uint8 RGB (H, W, 3), through a ``Profile`` where there is one."""
    if profile is not None:
        return profile.apply(pixels)
    if space == "RGB":
        return pixels
    if space == "L":
        return np.repeat(pixels[..., None], 3, axis=2)
    if space == "LAB":
        return Profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), "LAB").apply(pixels)
    made = np.empty((*pixels.shape[:2], 3), np.uint8)
    step = max(1, ROWS // pixels.shape[1])
    for top in range(0, len(pixels), step):
        made[top:top + step] = np.asarray(as_image(pixels[top:top + step], space).convert("RGB"))
    return made


def as_image(pixels, mode):
    """uint8 (H, W[, C]) as Pillow image of a mode, also LAB and CMYK."""
    pixels = np.ascontiguousarray(pixels)
    return Image.frombytes(mode, pixels.shape[1::-1], pixels)
