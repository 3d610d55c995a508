"""Turn mattes into figures that others can check: networks, baselines and foreign mattes on one benchmark.

    python eval.py                                           # PhotoMatte85, or the generated sample data without it
    python eval.py --weights log/stage1/best_model/model.safetensors starter --baselines all
    python eval.py --protocol paper --dataset-name Distinctions646_person
    python eval.py --export-set bench                        # the benchmark as PNG files with checksums
    python eval.py --folder bench --pred theirs              # any program's mattes of it, theirs/NAME.png

Prints a line per image and the means of all methods; writes results.csv, results.json and small pictures. The same seed
gives the same pictures on every machine. docs/evaluation.md explains protocols, sets and metrics.
"""
import argparse
import shlex
import sys
import time

from dataset.benchmark import composed, from_folder
from dataset.manifest import export_set
from utils.baselines import BASELINES, choose_baselines
from utils.cpu import prepare_cpu
from utils.errors import UserError, run_main
from utils.evaluate import Result, ahead, mean_of
from utils.machine import processor, usable_cores
from utils.methods import Network, open_mattes, open_networks
from utils.pictures import Gallery
from utils.pipeline import measure
from utils.protocols import PROTOCOLS
from utils.report import comparison, heading, line, prepare_folder, versions, write_report
from utils.trimap import TRIMAPS

# Flags that say how pictures are composed: --folder has them composed already.
COMPOSING = ("dataset_name", "background_name", "split", "data_root", "size", "seed", "disturb", "backgrounds_each",
             "noise")
ITEMS_PER_WORKER = 4  # fewer do not repay the start of a process
MOST_WORKERS = 8


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--weights", nargs="+", metavar="FILE", help="weights files, or the word starter (default: the starter weights)")
    add("--pred", nargs="+", metavar="DIR",
        help="score these mattes, DIR/NAME.png or DIR/pha/NAME.png, instead of a network")
    add("--baselines", nargs="*", metavar="NAME",
        help=f"{', '.join(BASELINES)}, all, or nothing (default: keying)")
    add("--baseline", dest="baselines", action="store_const", const=["keying"], help="score difference keying (default)")
    add("--no-baseline", "--no_baseline", dest="baselines", action="store_const", const=[], help="score no baseline")
    add("--protocol", help=f"{', '.join(PROTOCOLS)} (default: paper; sample on sample data; a folder's own)")
    add("--trimap", help=f"another rule for the trimap: {', '.join(TRIMAPS)}")
    add("--dataset-name", "--dataset_name", help="a set of foregrounds (default: PhotoMatte85)")
    add("--background-name", "--background_name", help="a set of backgrounds (default: Backgrounds)")
    add("--split", help="split of both sets (default: test where there is one, else valid)")
    add("--data-root", "--data_root", help="folder of the datasets (default: $DATA_ROOT, else data/)")
    add("--folder", metavar="DIR",
        help="a composed benchmark: DIR/{src,bgr,pha[,fgr,trimap]}/NAME.*, or DIR/NAME/src.* ...")
    add("--export-set", "--export_set", metavar="DIR", help="write the benchmark to a new folder and stop")
    add("--size", metavar="N|HxW|original", help="size of the pictures that are composed (default: the protocol's)")
    add("--backgrounds-each", "--backgrounds_each", type=int, help="backgrounds for each foreground (default: the set's)")
    add("--sequences", action="store_true", help="foregrounds are frames of clips, one background a clip")
    add("--limit", type=int, help="use only the first so many foregrounds")
    add("--output", default="log/eval", help="folder for the results (default: %(default)s)")
    add("--seed", type=int, help="seed of placement, backgrounds and disturbance (default: 0)")
    add("--no-disturb", "--no_disturb", dest="disturb", action="store_const", const=False,
        help="keep bgr as it is inside src")
    add("--noise", type=float, help="sigma of the noise on bgr, of the range 0..1 (default: 0.01)")
    add("--backend", nargs="+", default=["auto"], metavar="NAME",
        help="one or several to compare (default: the fastest there)")
    add("--precision", nargs="+", default=["fp32"], metavar="NAME", help="fp32, bf16, fp16; one or several (default: fp32)")
    add("--backbone-scale", "--backbone_scale", type=float,
        help="size of the coarse network's input (default: the protocol's)")
    add("--sample-pixels", "--sample_pixels", type=int, help="pixels to refine (default: the protocol's)")
    add("--no-unmix", "--no_unmix", dest="unmix", action="store_false",
        help="score the networks' alpha as it is, without the last step that draws fine strands")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--workers", type=int, help="processes for metrics and baselines; 0 works without (default: one a core, at most 8)")
    return parser.parse_args(argv)


def parse_size(text):
    """'2048' -> (2048, 2048), '1080x1920' -> (1080, 1920), 'original' -> None. Raises UserError for all else."""
    if text == "original":
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdigit() for side in sides):
        raise UserError(f"cannot read the size '{text}'; use 2048, 1080x1920 (height x width) or original.")
    return int(sides[0]), int(sides[-1])


def open_benchmark(args):
    """The ``Benchmark`` of the command line."""
    changes = {"trimap": args.trimap, "backbone_scale": args.backbone_scale, "sample_pixels": args.sample_pixels}
    if args.folder is not None:
        given = [name for name in COMPOSING if getattr(args, name) is not None]
        if given:
            raise UserError(f"--{given[0].replace('_', '-')} is for sets that are composed; the pictures of --folder are "
                            "taken as they are.")
        return from_folder(args.folder, args.protocol, changes, args.limit, args.sequences or None)
    changes.update(disturb=args.disturb, noise=args.noise)
    if args.size is not None or args.sequences:
        changes["size"] = parse_size(args.size or "original") or "original"
    return composed(args.dataset_name or "PhotoMatte85", args.background_name or "Backgrounds", args.protocol, changes,
                    args.data_root, args.split, args.seed or 0, args.limit, args.backgrounds_each, args.sequences)


def open_methods(args, protocol, names, baselines):
    """{word: method} of networks and folders of mattes; a folder alone where no weights are named."""
    mattes = open_mattes(args.pred or (), names, baselines, args.limit is not None)
    if args.pred and args.weights is None:
        return mattes
    prepare_cpu(load=False)
    networks = open_networks(args.weights or [None], args.backend, args.precision, device=args.device,
                             backbone_scale=protocol.backbone_scale, sample_pixels=protocol.sample_pixels,
                             unmix=args.unmix)
    return {**networks, **{f"pred {word}" if word in networks else word: one for word, one in mattes.items()}}


def score_all(benchmark, methods, baselines, workers):
    """Run everything, printing a line per image; returns ({word: Result}, Gallery, seconds)."""
    shown, rows, gallery = benchmark.protocol.columns, {}, Gallery(len(benchmark.items))
    first = next(iter({**methods, **dict.fromkeys(baselines)}))
    print(heading(shown))
    start = time.perf_counter()
    for scored in measure(benchmark.items, benchmark.protocol, methods, baselines, workers):
        for word, row in scored.rows.items():
            rows.setdefault(word, []).append(row)
        gallery.add(scored.name, scored.rows[first]["mse"], scored.pictures)
        print(line(scored.name, scored.rows[first], shown), flush=True)
    seconds = time.perf_counter() - start
    settings = {word: dict(getattr(methods.get(word), "settings", {"baseline": word})) for word in rows}
    return {word: Result(found, mean_of(found), settings[word]) for word, found in rows.items()}, gallery, seconds


def speed(methods, count, seconds):
    """How fast it went, as {"images_per_second": float, "network_seconds": {word: seconds an image}}."""
    networks = {word: round(one.seconds / max(one.count, 1), 4) for word, one in methods.items() if isinstance(one, Network)}
    return {"images_per_second": round(count / seconds, 3), "network_seconds": networks}


def show(results, protocol, count, pace):
    """Print the means of all methods, how they stand against keying, and how fast it went."""
    print(heading(protocol.columns, f"mean of {count}"))
    for word, result in results.items():
        print(line(f"mean of {count}, {word}", result.mean, protocol.columns))
    for word, result in results.items():
        if word not in BASELINES and "keying" in results:
            print(comparison(result.mean, results["keying"].mean, protocol.columns, word))
    if protocol.note:
        print(f"note: {protocol.note}")
    networks = ", ".join(f"{word} {seconds * 1000:.0f} ms" for word, seconds in pace["network_seconds"].items())
    print(f"{pace['images_per_second']:.2f} images/s" + (f"; network alone: {networks}" if networks else ""))


def workers_for(wanted, count):
    """The number of worker processes: as asked for, else as many as are worth their start."""
    if wanted is not None and wanted < 0:
        raise UserError(f"--workers is {wanted}; use 0 or more.")
    return min(usable_cores(), MOST_WORKERS, count // ITEMS_PER_WORKER) if wanted is None else min(wanted, count)


def main(argv=None):
    args = parse(argv)
    baselines, skipped = choose_baselines(["keying"] if args.baselines is None else args.baselines)
    benchmark = open_benchmark(args)
    items, protocol = benchmark.items, benchmark.protocol
    changed = ", ".join(f"{key} {value}" for key, value in protocol.differences().items())
    print(f"protocol {protocol.name}: {protocol.about}" + (f"; changed: {changed}" if changed else "")
          + (f"; pictures as they are in {args.folder}" if args.folder else ""), flush=True)
    if args.export_set is not None:
        facts = {**benchmark.facts, "versions": versions()}
        print("wrote", export_set(ahead(items, usable_cores()), args.export_set, protocol, facts, print))
        return
    output = prepare_folder(args.output)
    workers = workers_for(args.workers, len(items))
    if skipped:
        print(f"without {', '.join(skipped)}: it needs PyMatting (`pip install pymatting`).")
    methods = open_methods(args, protocol, items.names, baselines)
    results, gallery, seconds = score_all(benchmark, methods, baselines, workers)
    pace = speed(methods, len(items), seconds)
    show(results, protocol, len(items), pace)
    facts = {**benchmark.facts, "count": len(items), **_first_network(methods), "protocol": protocol.facts(),
             "changed": protocol.differences(),
             "command": shlex.join(["eval.py", *(sys.argv[1:] if argv is None else argv)]),
             "processor": processor(), "workers": workers, "speed": pace}
    files = write_report(output, facts, results, gallery)
    from utils.results import write_page  # what it draws with takes its time to load
    print("wrote", *files, *write_page(output))


def _first_network(methods):
    """What the first network was run with, on top of results.json as well as beside its figures."""
    settings = next((one.settings for one in methods.values() if isinstance(one, Network)), {})
    return {**{key: settings[key] for key in ("weights", "sha256", "device") if key in settings}, "settings": dict(settings)}


if __name__ == "__main__":
    run_main(main)
