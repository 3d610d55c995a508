"""Measure a matting network on a fixed benchmark, beside plain difference keying.

    python eval.py                                           # PhotoMatte85, or the generated sample data without it
    python eval.py --weights log/stage1/best_model/model.safetensors --limit 10

Prints a line per image (SAD, MSE x 10^3, Grad, Conn, FG MSE x 10^3) and the means; writes results.csv and
results.json. The same seed gives the same pictures on every machine.
"""
import argparse

from dataset.catalog import catalog_or_sample
from dataset.evaluation import EvaluationSet
from utils.cpu import prepare_cpu
from utils.errors import UserError, run_main
from utils.evaluate import compare, keying_method, matter_method, mean_of
from utils.report import comparison, heading, line, prepare_folder, write_report

REAL_SIZE = (2048, 2048)
REAL_PIXELS = 320_000      # 20,000 patches, as the paper refines on photos
SAMPLE_SIZE = (512, 512)


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--weights", help="weights file (default: the starter weights)")
    add("--dataset-name", "--dataset_name", default="PhotoMatte85", help="a set of foregrounds (default: %(default)s)")
    add("--background-name", "--background_name", default="Backgrounds", help="backgrounds (default: %(default)s)")
    add("--split", help="split of both sets (default: test where there is one, else valid)")
    add("--data-root", "--data_root", help="folder of the datasets (default: $DATA_ROOT, else data/)")
    add("--size", metavar="N|HxW|original",
        help="size of the benchmark pictures (default: 2048; 512 on sample data)")
    add("--limit", type=int, help="use only the first so many foregrounds")
    add("--output", default="log/eval", help="folder for results.csv and results.json (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of placement, backgrounds and disturbance (default: %(default)s)")
    add("--no-disturb", "--no_disturb", dest="disturb", action="store_false", help="keep bgr as it is inside src")
    add("--baseline", action="store_true", default=True, help="score difference keying as well (default)")
    add("--no-baseline", "--no_baseline", dest="baseline", action="store_false", help="score the network alone")
    add("--backbone-scale", "--backbone_scale", type=float,
        help="size of the coarse network's input (default: 0.25; 0.5 under 1024 pixels)")
    add("--sample-pixels", "--sample_pixels", type=int,
        help="pixels to refine (default: 320000 as in the paper; 80000 on sample data)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--workers", type=int, default=1, help="threads that prepare pictures (default: %(default)s)")
    return parser.parse_args(argv)


def parse_size(text):
    """'2048' -> (2048, 2048), '1080x1920' -> (1080, 1920), 'original' -> None. Raises UserError for all else."""
    if text == "original":
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdigit() for side in sides):
        raise UserError(f"cannot read the size '{text}'; use 2048, 1080x1920 (height x width) or original.")
    return int(sides[0]), int(sides[-1])


def benchmark(args):
    """The ``EvaluationSet`` of the command line, and whether it is of sample data."""
    catalog = catalog_or_sample([args.dataset_name, args.background_name], data_root=args.data_root)
    sample = catalog.root == catalog.sample_root
    default_size = SAMPLE_SIZE if sample else REAL_SIZE
    size = default_size if args.size is None else parse_size(args.size)
    pairs = catalog.pairs(args.dataset_name, args.split or _test_split(catalog, args.dataset_name))
    backgrounds = catalog.backgrounds(args.background_name, args.split or _test_split(catalog, args.background_name))
    return EvaluationSet(pairs, backgrounds, size, args.seed, args.disturb, args.limit), sample


def score_all(methods, items, workers):
    """Score {word: predict} on ``items``, printing a line per image; returns {word: (rows, mean)}."""
    rows = {word: [] for word in methods}
    print(heading())
    for scored in compare(methods, items, workers):
        for word, row in scored.items():
            rows[word].append(row)
        print(line(scored["network"]["name"], scored["network"]), flush=True)
    return {word: (found, mean_of(found)) for word, found in rows.items()}


def main(argv=None):
    args = parse(argv)
    output = prepare_folder(args.output)
    items, sample = benchmark(args)
    pixels = REAL_PIXELS if args.sample_pixels is None and not sample else args.sample_pixels
    prepare_cpu()
    from model import Matter  # brings paddle in, which reads its settings then
    matter = Matter(args.weights, device=args.device, backbone_scale=args.backbone_scale, sample_pixels=pixels)
    methods = {"network": matter_method(matter)}
    if args.baseline:
        methods["keying"] = keying_method
    results = score_all(methods, items, args.workers)
    for word, (_, mean) in results.items():
        print(line(f"mean of {len(items)}, {word}", mean))
    if args.baseline:
        print(comparison(results["network"][1], results["keying"][1]))
    facts = {"dataset": args.dataset_name, "backgrounds": args.background_name, "sample_data": sample,
             "seed": args.seed, "size": items.size, "disturb": args.disturb, "count": len(items),
             **{key: matter.settings[key] for key in ("weights", "sha256", "device")}, "settings": matter.settings}
    print("wrote", *write_report(output, facts, results))


def _test_split(catalog, name):
    return "test" if "test" in catalog.splits(name) else "valid"


if __name__ == "__main__":
    run_main(main)
