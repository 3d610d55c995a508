"""predict.py for a video."""
