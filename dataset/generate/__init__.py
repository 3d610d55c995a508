"""Matting samples made from nothing: painted subjects before painted or shipped pictures, each named by a seed.

``make_sample`` streams them for training; ``write_sample_data`` writes small sets in the layouts of the real ones.
"""
from dataset.generate.cutouts import write_subjects
from dataset.generate.sample import Sample, make_sample
from dataset.generate.scenes import make_background
from dataset.generate.sets import write_sample_data
from dataset.generate.subjects.subject import KINDS, make_subject

__all__ = ["KINDS", "Sample", "make_background", "make_sample", "make_subject", "write_sample_data", "write_subjects"]
