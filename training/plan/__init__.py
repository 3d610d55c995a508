"""What a run will do, and what a few of its steps take: ``python -m bgmatting plan``."""
