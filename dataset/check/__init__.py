"""Looking into every file of a dataset before it costs a training run: ``python -m bgmatting check NAME``."""
