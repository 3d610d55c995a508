"""From photos on disk to mattes on disk.

    cli       predict.py for photos
    plan      which files go together, and what is still to be made
    pairs     a src and its bgr, read and brought to one size
    pipeline  reading, matting and writing, side by side
    sheet     the picture that shows some results
"""
from bgmatting.prediction.outputs import TYPES, Outputs, check_types, picture
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.pipeline import Work
from bgmatting.prediction.photos.plan import Job, Plan, photo_jobs

__all__ = ["Job", "Outputs", "PairReader", "Plan", "TYPES", "Work", "check_types", "photo_jobs", "picture"]
