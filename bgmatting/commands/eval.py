"""Measure mattes reproducibly: networks, baselines and other programs' mattes on one benchmark.

    python eval.py                                           # PhotoMatte85, or generated sample data if it is missing
    python eval.py --weights log/stage1/best_model/model.safetensors starter --baselines all
    python eval.py --protocol paper --dataset-name Distinctions646_person
    python eval.py --weights starter log/modnet_mobilenetv2 log/dim_vgg16     # how much a background photo helps
    python eval.py --protocol paddleseg --weights log/modnet_mobilenetv2      # PPM-100, measured like PaddleSeg's Matting
    python eval.py --export-set bench                        # the benchmark as PNG files with checksums
    python eval.py --folder bench --pred theirs              # score another program's mattes, theirs/NAME.png

Prints one line per image and the means of all methods; writes results.csv, results.json and small images. The same seed
gives the same images on every machine. docs/explanation/protocols.md explains protocols, sets and metrics.
"""
import argparse
import shlex
import sys
from pathlib import Path
from typing import Optional

from bgmatting.evaluation.baselines import BASELINES, choose_baselines
from bgmatting.evaluation.cli import (
    check_kept,
    first_network,
    open_benchmark,
    open_methods,
    score_all,
    speed,
    without_bgr,
    workers_for,
)
from bgmatting.evaluation.pipeline import ahead
from bgmatting.evaluation.protocols import PROTOCOLS, UNMIX
from bgmatting.evaluation.report import show, write_report
from bgmatting.evaluation.testset.manifest import export_set
from bgmatting.evaluation.testset.trimap import TRIMAPS
from bgmatting.utils.cli import CommandLine
from bgmatting.utils.files import prepare_folder
from bgmatting.utils.machine import processor, usable_cores, versions


def parse(argv: Optional[list[str]] = None) -> argparse.Namespace:
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--weights", "--model-path", nargs="+", metavar="FILE",
        help="weights files, run folders, or the word starter (default: starter)")
    add("--method", help="matting method of the weights: background, modnet or dim (default: detected from the weights)")
    add("--pred", nargs="+", metavar="DIR",
        help="score these mattes, DIR/NAME.png or DIR/pha/NAME.png, instead of a network")
    add("--baselines", nargs="*", metavar="NAME",
        help=f"{', '.join(BASELINES)}, all, or no value for none (default: keying)")
    add("--baseline", dest="baselines", action="store_const", const=["keying"], help="score difference keying (default)")
    add("--no-baseline", dest="baselines", action="store_const", const=[], help="score no baseline")
    add("--protocol", help=f"{', '.join(PROTOCOLS)} (default: paper; sample for sample data; for --folder its own)")
    add("--trimap", help=f"change the trimap rule: {', '.join(TRIMAPS)}")
    add("--dataset-name", help="a set of foregrounds or of photos (default: PhotoMatte85; PPM100 for protocol paddleseg)")
    add("--background-name", help="a set of backgrounds, sample (generated ones), or a colour such as '#808080' or gray "
        "(default: Backgrounds)")
    add("--background-dir", metavar="DIR", help="a folder of photos to use as backgrounds")
    add("--split", help="which split of both sets to use (default: test if there is one, else valid)")
    add("--data-root", "--data-path", help="folder of the datasets (default: $DATA_ROOT, else data/)")
    add("--folder", metavar="DIR",
        help="a ready-made benchmark: DIR/{src,bgr,pha[,fgr,trimap]}/NAME.*, or DIR/NAME/src.* ...")
    add("--export-set", metavar="DIR", help="write the benchmark to a new folder and stop")
    add("--size", metavar="N|WIDTHxHEIGHT|original",
        help="size of composited images; write portrait sizes as w1080h1920 (default: the protocol's)")
    add("--backgrounds-each", type=int, help="backgrounds for each foreground (default: the set's)")
    add("--sequences", action="store_true", default=None,
        help="foregrounds are frames of clips; use one background per clip")
    add("--limit", type=int, help="use only the first LIMIT foregrounds")
    add("--output", default="log/eval", help="folder for the results (default: %(default)s)")
    add("--save-results", action="store_true", help="also write all mattes at full size: mattes/METHOD/NAME.png")
    add("--seed", type=int, help="seed of placement, backgrounds and disturbance (default: 0)")
    add("--no-disturb", dest="disturb", action="store_const", const=False,
        help="use the exact background of src as bgr")
    add("--noise", type=float, help="sigma of the noise added to bgr, for values in 0..1 (default: 0.01)")
    add("--backend", nargs="+", default=["auto"], metavar="NAME",
        help="one or several to compare (default: the fastest that is installed)")
    add("--precision", nargs="+", default=["fp32"], metavar="NAME",
        help="fp32, bf16, fp16, int8; one or several (default: fp32)")
    add("--backbone-scale", type=float,
        help="size of the coarse network's input (default: the protocol's)")
    add("--sample-pixels", type=int, help="pixels to refine (default: the protocol's)")
    add("--unmix", nargs="?", const="on", choices=UNMIX, help="score the networks with the last step of predict.py, which "
        "recovers fine strands, as NAME + unmix; both: with and without (default: the protocol's, off except in sample)")
    add("--no-unmix", dest="unmix", action="store_const", const="off", help="the same as --unmix off")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU if there is one)")
    add("--workers", type=int, help="processes for metrics and baselines; 0 uses none (default: one per core, at most 8)")
    return parser.parse_args(argv)


def main(argv: Optional[list[str]] = None, folders: Optional[dict[str, Optional[str]]] = None) -> None:
    """Run a command line; ``folders``: of a configuration of train.py, where its sets are given as folders."""
    args = parse(argv)
    baselines, skipped = choose_baselines(["keying"] if args.baselines is None else args.baselines)
    benchmark = open_benchmark(args, folders)
    items, protocol = benchmark.items, benchmark.protocol
    changed = protocol.changes_said()
    print(f"protocol {protocol.name}: {protocol.about}" + (f"; changed: {changed}" if changed else "")
          + (f"; images as they are in {args.folder}" if args.folder else ""), flush=True)
    if not getattr(items, "has_bgr", True):
        baselines = without_bgr(args.baselines, args.export_set)
    if args.export_set is not None:
        facts = {**benchmark.facts, "versions": versions()}
        print("wrote", export_set(ahead(items, usable_cores()), args.export_set, protocol, facts, print))
        return
    output = prepare_folder(args.output)
    workers = workers_for(args.workers, len(items))
    if skipped:
        print(f"without {', '.join(skipped)}: it needs PyMatting (`pip install pymatting`).")
    methods = open_methods(args, protocol, items.names)
    mattes = Path(output, "mattes") if args.save_results else None
    if mattes is not None:
        check_kept(mattes, (*methods, *baselines), args.pred or ())
    results, gallery, seconds = score_all(benchmark, methods, baselines, workers, mattes)
    pace = speed(methods, len(items), seconds)
    show(results, protocol, len(items), pace)
    facts = {**benchmark.facts, "count": len(items), **first_network(methods), "protocol": protocol.facts(),
             "changed": protocol.differences(),
             "command": shlex.join(["eval.py", *(sys.argv[1:] if argv is None else argv)]),
             "processor": processor(), "workers": workers, "speed": pace}
    files = write_report(output, facts, results, gallery)
    from bgmatting.evaluation.page import write_page  # what it draws with takes its time to load
    print("wrote", *files, *write_page(output), *([mattes] if mattes else []))
