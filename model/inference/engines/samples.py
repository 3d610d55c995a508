"""Small inputs that engines are checked by. Needs no paddle."""
import numpy as np

from bgmatting.model.geometry import CHANNELS, coarse_side, photo_side, spread_matrix

BATCH = 32   # blocks a call; larger batches gain nothing, and fall out of a processor's cache


def sample_inputs(reach: int, count: int = BATCH) -> dict[str, dict[str, np.ndarray]]:
    """{graph: {name: array}}: small inputs for every graph, always the same; of blocks ``count``."""
    rng = np.random.default_rng(0)
    side, inputs = photo_side(reach), {}
    inputs["coarse"] = {name: rng.random((1, 48, 64, 3), np.float32) for name in ("src", "bgr")}
    for graph, quarter in (("quarter", True), ("half", False)):
        c_side = coarse_side(reach, quarter)
        given = {"coarse": rng.normal(0, 1, (count, c_side, c_side, CHANNELS)).astype(np.float32)}
        given.update({name: rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8) for name in ("src", "bgr")})
        if quarter:
            given["spread"] = np.kron(*[spread_matrix(1, reach)] * 2)[None]
        inputs[graph] = given
    return inputs
