"""What encoders are made of: a convolution with its norm, and a chain of blocks, some of whose outputs are the maps."""
from __future__ import annotations

from collections.abc import Sequence

from paddle import Tensor, nn


class StagedEncoder(nn.Layer):
    """Args:
        blocks: the chain, kept as ``features``. taken: numbers of the blocks whose output is a map, in order.
        channels: of what ``forward`` returns.

    Output: the last block's map, those taken, deepest first, and the input itself.
    """

    def __init__(self, blocks: Sequence[nn.Layer], taken: Sequence[int], channels: list[int]):
        super().__init__()
        self.channels, self._taken = channels, taken
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in self._taken:
                maps.append(x)
        maps.append(x)
        return maps[::-1]


def conv_bn(inputs: int, outputs: int, kernel: int, activation: type[nn.Layer], stride: int = 1, dilation: int = 1,
            groups: int = 1, **norm: float) -> nn.Sequential:
    """Convolution without bias that keeps the size at stride 1, batch normalisation (``norm``: its settings), activation."""
    padding = (kernel - 1) // 2 * dilation
    return nn.Sequential(nn.Conv2D(inputs, outputs, kernel, stride, padding, dilation, groups, bias_attr=False),
                         nn.BatchNorm2D(outputs, **norm), activation())
