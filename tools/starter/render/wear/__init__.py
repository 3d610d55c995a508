"""Things that people wear and carry."""
