"""Colour profiles (ICC) of pictures, and bringing their colours to sRGB."""
import io

import numpy as np
from PIL import Image, ImageCms

SPACES = {"RGB ": "RGB", "RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space: Pillow's word for it


def embedded_profile(icc):
    """The profile in the bytes ``icc``; None for sRGB, for none, and for one that cannot be read."""
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        known = "srgb" in ImageCms.getProfileDescription(profile).lower()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if known else profile


def profile_mode(profile):
    """Pillow's mode ("RGB", "L", "CMYK") of the colours that a profile describes; None for others."""
    return SPACES.get(profile.profile.xcolor_space)


def to_srgb(image, profile):
    """A Pillow image of ``profile_mode(profile)`` as uint8 sRGB (H, W, 3); without a change where the two do not fit."""
    try:
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        return np.asarray(ImageCms.applyTransform(image, transform))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return np.asarray(image.convert("RGB"))


def array_to_srgb(rgb, profile):
    """uint8 RGB (H, W, 3) as ``to_srgb``."""
    return to_srgb(Image.fromarray(rgb), profile)
