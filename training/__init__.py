"""Training: the loop, one step of it, what is carried from step to step, and what is written."""
