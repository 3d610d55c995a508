"""How the starter weights are made on a CPU: a thin training step in PyTorch on the project's samples and measures.

Torch is optional (requirements-torch.txt); README.md says how to run it. ``python -m tools.starter --help``.
"""
