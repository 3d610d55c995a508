"""The command line of PaddleSeg's tools/val.py: an evaluation by eval.py of what a configuration trains.

    python val.py --config configs/modnet/modnet_mobilenetv2.yml --model_path output/best_model
    python val.py --config configs/stage1.yml                    # log/stage1/best_model

Set, folders and method are the configuration's. Methods of one photo are measured under the protocol paddleseg, the others
under eval.py's own; what follows after -- goes to eval.py as it is.
"""
import argparse
from typing import Optional

from bgmatting.commands import eval as evaluation_script
from bgmatting.utils.cli import CommandLine


def parse(argv: Optional[list[str]] = None) -> argparse.Namespace:
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--config", required=True, help="a configuration of train.py, such as configs/modnet/modnet_mobilenetv2.yml")
    add("--model-path", "--weights", help="weights file or run folder (default: the configuration's save_dir)")
    add("--save-dir", "--output", default="log/eval", help="folder for the results (default: %(default)s)")
    add("--data-root", help="folder of the datasets (default: the configuration's; else $DATA_ROOT, else data/)")
    add("--num-workers", "--workers", type=int, help="processes for metrics (default: one per core, at most 8)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU if there is one)")
    add("--metrics", nargs="+", metavar="NAME", help="accepted; all metrics of the protocol are shown")
    add("--save-results", action="store_true", help="keep all mattes at full size, in mattes/ of --save-dir")
    add("more", nargs="*", metavar="-- FLAGS", help="flags for eval.py, such as -- --limit 10")
    return parser.parse_args(argv)


def words_of(args: argparse.Namespace, config: dict) -> list[str]:
    """The command line of eval.py that a parsed command line of val.py and its configuration stand for."""
    from bgmatting.model.methods import find_method
    words = ["--method", config["method"], "--weights", args.model_path or config["save_dir"], "--output", args.save_dir]
    if config["dataset_name"] != "stream":
        words += ["--dataset-name", config["dataset_name"], "--background-name", config["background_name"]]
        words += ["--split", "valid"]
    if find_method(config["method"]).needs != "bgr":
        words += ["--protocol", "paddleseg"]
    words += ["--save-results"] * args.save_results
    for flag, value in (("--data-root", args.data_root or config["data_root"]), ("--workers", args.num_workers),
                        ("--device", args.device)):
        words += [] if value is None else [flag, str(value)]
    return words + args.more


def main(argv: Optional[list[str]] = None) -> None:
    from bgmatting.training.config import load_config
    args = parse(argv)
    config = load_config(args.config)
    evaluation_script.main(words_of(args, config), config["folders"])
