"""The human body as numpy arrays: readers, shape, skeleton, pose. Nothing here imports Blender."""
