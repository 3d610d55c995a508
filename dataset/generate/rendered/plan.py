"""Which subjects a run makes: every one is fixed by (seed, index), whoever renders it and in whatever order."""
import dataclasses
import re
import zlib

import numpy as np

from bgmatting.utils.errors import UserError, suggest

# Kind and its share of a mixed set. People are most, since people are what the network is asked for most.
KINDS = {"person": 0.72, "pair": 0.06, "animal": 0.1, "plant": 0.05, "thing": 0.07}
PEOPLE = {"person", "pair"}  # the kinds that need body data and clothes


@dataclasses.dataclass(frozen=True)
class Job:
    """One subject: its place in the set, its kind, and the seed of the set."""

    seed: int
    index: int
    kind: str

    @property
    def name(self):
        """The file's stem, such as ``person_00007_00012``: kind, seed, index."""
        return f"{self.kind}_{self.seed:05d}_{self.index:05d}"

    def rng(self, part):
        """A random generator of one ``part`` of the subject; what another part draws does not move it."""
        return np.random.default_rng([self.seed, self.index, zlib.crc32(part.encode())])


def draw_kind(seed, index):
    """The kind of subject ``index`` in a mixed set."""
    rng = np.random.default_rng([seed, index, zlib.crc32(b"kind")])
    return str(rng.choice(list(KINDS), p=list(KINDS.values())))


def parse_shard(text):
    """``"1/2"`` as (0, 2): this run takes every second subject, from the first on."""
    match = re.fullmatch(r"(\d+)/(\d+)", text or "1/1")
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--shard '{text}' is not I/N with 1 <= I <= N, such as 1/2.")
    return int(match[1]) - 1, int(match[2])


def parse_sizes(text):
    """``"640"`` as (640, 640), ``"512-1024"`` as (512, 1024): the least and the most pixels a side, 32 to 4096."""
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 32 <= low <= high <= 4096:
        raise UserError(f"--size '{text}' is neither a number of pixels from 32 to 4096 nor two such, as 512-1024.")
    return low, high


def draw_size(job, sizes):
    """Pixels a side of one picture: between the two ``sizes``, a multiple of 32 where they differ."""
    low, high = sizes
    return low if low == high else min(high, 32 * int(job.rng("size").integers(-(-low // 32), high // 32 + 1)))


def make_jobs(count, seed=0, shard=(0, 1), kind=None, start=0):
    """The jobs of one shard, in order. ``kind`` makes all of them of that kind instead of a mixed set."""
    if kind is not None and kind not in KINDS:
        raise UserError(f"there is no kind '{kind}'.{suggest(kind, KINDS)}")
    if count < 1:
        raise UserError(f"--n {count} makes nothing; name 1 or more.")
    part, parts = shard
    indices = range(start, start + count)
    return [Job(seed, index, kind or draw_kind(seed, index)) for index in indices if index % parts == part]
