"""The matting networks and the class that runs them on photos.

    from model import MattingBase, MattingRefine, Matter
"""
from model.matter import Matte, Matter
from model.matting import MattingBase, MattingRefine

__all__ = ["MattingBase", "MattingRefine", "Matte", "Matter"]
