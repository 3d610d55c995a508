"""Hair as numpy arrays: where it grows, how it falls, how it is tied. Nothing here imports Blender."""
