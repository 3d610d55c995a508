"""Datasets: where they lie, how they are read, augmented and composited, and generated sample data."""
