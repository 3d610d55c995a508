"""Training outside the project's own trainer."""
