"""Reading and writing images.

Images are HWC uint8 RGB (or HW uint8 for alpha); files are replaced whole or not at all. ``read_image`` is for data sets:
fast, the colours as they are stored. ``read_photo`` is for people's own photos: every usual format, colours brought to sRGB.
"""
from bgmatting.media.animation import is_animation
from bgmatting.media.files import IMAGE_SUFFIXES, PHOTO_SUFFIXES, VIDEO_SUFFIXES, list_image_names, list_images, read_bytes
from bgmatting.media.formats import JPEG
from bgmatting.media.photo import read_deep_photo, read_photo
from bgmatting.media.reading import REDUCED, read_gray, read_image, read_rgba
from bgmatting.media.writing import encode, write_image
from bgmatting.utils.files import write_bytes

__all__ = ["IMAGE_SUFFIXES", "JPEG", "PHOTO_SUFFIXES", "REDUCED", "VIDEO_SUFFIXES", "encode", "is_animation",
           "list_image_names", "list_images", "read_bytes", "read_deep_photo", "read_gray", "read_image", "read_photo",
           "read_rgba", "write_bytes", "write_image"]
