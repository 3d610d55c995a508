"""Generated samples without end: painted or rendered subjects before drawn or photographed scenes.

A sample is a function of its seed, its size and the files it draws from. ``Stream`` makes it; ``dataset.samples.StreamSet``
gives it to training as the set named "stream".
"""
from bgmatting.dataset.stream.stream import Stream, open_stream

__all__ = ["Stream", "open_stream"]
