"""What is not a network and not data: configuration, checkpoints, metrics, pictures, logging."""
