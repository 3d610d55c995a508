"""An encoder that is a chain of blocks, some of whose outputs are its maps."""
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
