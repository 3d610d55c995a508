"""Plan of a run, and the cost of a few of its steps: ``python -m bgmatting plan``."""
