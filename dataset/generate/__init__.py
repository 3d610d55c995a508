"""Matting samples made from nothing: painted subjects before painted or shipped images, each named by a seed.

``make_sample`` streams them for training; ``write_sample_data`` writes small sets in the layouts of the real ones.
"""
from bgmatting.dataset.generate.cutouts import write_subjects
from bgmatting.dataset.generate.sample import Sample, make_sample
from bgmatting.dataset.generate.scenes import make_background
from bgmatting.dataset.generate.sets import write_sample_data
from bgmatting.dataset.generate.subjects.subject import KINDS, make_subject

__all__ = ["KINDS", "Sample", "make_background", "make_sample", "make_subject", "write_sample_data", "write_subjects"]
