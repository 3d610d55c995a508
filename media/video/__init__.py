"""Mattes of videos: decode, matte and encode at once, in constant memory. PyAV (FFmpeg) reads and writes the files."""
