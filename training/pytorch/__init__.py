"""Starter weights trained with PyTorch, which takes half the time of Paddle on a CPU; optional, see requirements-torch.txt.

    python -m training.pytorch base recipe.yml       # the coarse network
    python -m training.pytorch refiner recipe.yml    # the refiner for it
    python -m bgmatting weights convert OUT/base/ema.safetensors starter.safetensors --half

The network has the authors' parameter names, so ``model.weights`` reads what comes out without any further step.
"""
