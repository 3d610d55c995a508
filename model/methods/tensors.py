"""What the methods' losses ask of tensors and networks."""


def unknown_of(trimap):
    """(B, 1, H, W) in 0..1 -> the same shape and type, 1 where it is neither background (0) nor foreground (1), else 0."""
    return ((trimap > 0.25) & (trimap < 0.75)).astype(trimap.dtype)


def unwrapped(network):
    """The network itself where ``network`` is a ``paddle.DataParallel`` around it."""
    return getattr(network, "_layers", network)
