"""HRNet-W18 encoder (Wang et al., "Deep High-Resolution Representation Learning", TPAMI 2020) with PaddleSeg's names.

Branches at 1/4, 1/8, 1/16 and 1/32 run side by side and exchange what they found after every module. As in PaddleSeg,
and unlike the authors', a convolution that halves pads the bottom and the right alone, and upsampling is bilinear.
"""
from __future__ import annotations

from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import ConvBN, resize_like

_BRANCHES = (18, 36, 72, 144)  # channels
_BLOCKS = 4                    # in each branch of a module


class HRNetEncoder(nn.Layer):
    """Input (B, 3, H, W), sides multiples of 32; output: features at 1/32 (144), 1/16 (72), 1/8 (36), 1/4 (18), 1/2 (64)."""

    def __init__(self):
        super().__init__()
        self.channels = [*_BRANCHES[::-1], 64]
        self.conv_layer1_1 = _halving(3, 64, activation=F.relu)
        self.conv_layer1_2 = _halving(64, 64, activation=F.relu)
        self.la1 = nn.Sequential(*((f"bb_layer2_{block + 1}", Bottleneck(256 if block else 64)) for block in range(_BLOCKS)))
        self.tr1 = Transition([256], _BRANCHES[:2], "tr1")
        self.st2 = _stage(2, 1, "st2")
        self.tr2 = Transition(_BRANCHES[:2], _BRANCHES[:3], "tr2")
        self.st3 = _stage(3, 4, "st3")
        self.tr3 = Transition(_BRANCHES[:3], _BRANCHES, "tr3")
        self.st4 = _stage(4, 3, "st4")
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.Normal(std=0.001)(layer.weight)

    def forward(self, x: Tensor) -> list[Tensor]:
        half = self.conv_layer1_1(x)
        maps = self.tr1([self.la1(self.conv_layer1_2(half))])
        maps = self.st2(maps)
        maps = self.st3(self.tr2(maps))
        maps = self.st4(self.tr3(maps))
        return [*maps[::-1], half]


class Bottleneck(nn.Layer):
    """1x1 reduce to 64 channels, 3x3, 1x1 expand to 256, plus the input (projected where it has not 256 channels)."""

    def __init__(self, inputs: list[int] | int):
        super().__init__()
        self.conv1 = ConvBN(inputs, 64, 1, activation=F.relu)
        self.conv2 = ConvBN(64, 64, 3, activation=F.relu)
        self.conv3 = ConvBN(64, 256, 1)
        self.conv_down = ConvBN(inputs, 256, 1) if inputs != 256 else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.conv_down is None else self.conv_down(x)
        return F.relu(self.conv3(self.conv2(self.conv1(x))) + shortcut)


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions, plus the input."""

    def __init__(self, channels: list[int]):
        super().__init__()
        self.conv1 = ConvBN(channels, channels, 3, activation=F.relu)
        self.conv2 = ConvBN(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(x)) + x)


class Transition(nn.Layer):
    """From one stage's branches to the next's: change the channels where they differ, and add a branch of half the size.

    Args:
        inputs, outputs: channels of the branches before and after; one branch more after.
        name: PaddleSeg's name of this transition.
    """

    def __init__(self, inputs: list[int] | int, outputs: list[int], name: str):
        super().__init__()
        self.changes = []
        for branch, channels in enumerate(outputs):
            change = None
            if branch == len(inputs):
                change = _halving(inputs[-1], channels, activation=F.relu)
            elif inputs[branch] != channels:
                change = ConvBN(inputs[branch], channels, 3, activation=F.relu)
            if change is not None:
                self.add_sublayer(f"transition_{name}_layer_{branch + 1}", change)
            self.changes.append(change)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [x if change is None else change(x) for change, x in zip(self.changes, [*maps, maps[-1]])]


class Module(nn.Layer):
    """Four blocks in every branch, then the exchange between the branches."""

    def __init__(self, branches: list[int] | int, name: str):
        super().__init__()
        self.branches_func = Branches(branches, name)
        self.fuse_func = Exchange(branches, name)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return self.fuse_func(self.branches_func(maps))


class Branches(nn.Layer):
    """Each branch's blocks, one after the other."""

    def __init__(self, branches: list[int] | int, name: str):
        super().__init__()
        self.blocks = [[self.add_sublayer(f"bb_{name}_branch_layer_{branch + 1}_{block + 1}", BasicBlock(_BRANCHES[branch]))
                        for block in range(_BLOCKS)] for branch in range(branches)]

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        found = []
        for x, blocks in zip(maps, self.blocks):
            for block in blocks:
                x = block(x)
            found.append(x)
        return found


class Exchange(nn.Layer):
    """Each branch receives the sum of all: smaller ones 1x1 and enlarged, larger ones halved as often as it takes."""

    def __init__(self, branches: list[int] | int, name: str):
        super().__init__()
        self.paths = [[self._path(to, source, f"residual_{name}_layer_{to + 1}_{source + 1}")
                       for source in range(branches)] for to in range(branches)]

    def _path(self, to, source, name):
        """The layers from branch ``source`` to branch ``to``, none from a branch to itself."""
        if source > to:
            return [self.add_sublayer(name, ConvBN(_BRANCHES[source], _BRANCHES[to], 1))]
        layers = []
        for step in range(to - source):
            last = step == to - source - 1
            layer = _halving(_BRANCHES[source], _BRANCHES[to if last else source], activation=None if last else F.relu)
            layers.append(self.add_sublayer(f"{name}_{step + 1}", layer))
        return layers

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        found = []
        for to, paths in enumerate(self.paths):
            total = maps[to]
            for source, path in enumerate(paths):
                if source == to:
                    continue
                x = maps[source]
                for layer in path:
                    x = layer(x)
                total = total + (resize_like(x, total) if source > to else x)
            found.append(F.relu(total))
        return found


def _stage(branches, modules, name):
    return nn.Sequential(*((f"stage_{name}_{module + 1}", Module(branches, f"{name}_{module + 1}"))
                           for module in range(modules)))


def _halving(inputs, outputs, activation):
    """3x3 at stride 2; padded as "same" pads an even side."""
    return ConvBN(inputs, outputs, 3, stride=2, padding=[0, 1, 0, 1], activation=activation)
