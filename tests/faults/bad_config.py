"""Stage files with values that cannot be, for every key, and YAML that is meant to do harm: one line each, in no time.

    python tests/faults/bad_config.py [--whole]    # --whole: a few of them through train.py as well, each in a process

Ends with a tally; exit code 1 where anything was taken, raised something else than UserError, or took longer than 5 s.
"""
import argparse
import collections
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from bgmatting.training.config import load_config  # noqa: E402  (the project lies two folders up)
from bgmatting.training.config.rules import RULES  # noqa: E402
from bgmatting.utils.errors import UserError  # noqa: E402

VALUES = (".inf", "-.inf", ".nan", "-1", "-0.5", "1e400", "9" * 30, "9" * 6000, "'x'", "''", "'" + "x" * 9000 + "'", "[]",
          "{}", "[[[]]]", "null", "true", "[1, 2, 3]", "{a: 1}", "!!binary abcd", "!!python/object/apply:os.getcwd []",
          "2021-01-01", "*none", "'1_0'", "'0x10'", "\"\\0\"")
FILES = {
    "recursion": "a: &a [*a]", "an alias in itself": "a: &a {b: *a}", "deep": "a: " + "[" * 50_000,
    "billion laughs": "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")),
    "merge keys": "a: &a {x: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [{', '.join(['*a'] * 50)}]}}\n" for n in range(900)),
    "large": "# " + "x" * (6 << 20), "many keys": "".join(f"k{n}: 1\n" for n in range(30_000)), "binary": "\0\1\2",
    "a list": "- 1\n- 2\n", "a number": "5", "tabs": "a:\n\t- b", "a key that is a list": "? [a]\n: b",
    "itself": "_base_: itself.yml", "bases without end": "_base_: " + str(["itself.yml"] * 5000)}
SLOW = 5  # seconds


def taken_anyway(rule, value):
    """Whether a rule allows this value, so that it is no bad one."""
    try:
        rule.taken(yaml.safe_load(value))
    except (ValueError, TypeError, OverflowError, yaml.YAMLError):
        return False
    return True


def rules(section=RULES, prefix=()):
    """((section, ..., key), rule) of every key."""
    for key, rule in section.items():
        yield from rules(rule, (*prefix, key)) if isinstance(rule, dict) else [((*prefix, key), rule)]


def texts():
    """(name, YAML) of every case."""
    for path, rule in rules():
        for value in VALUES:
            if not taken_anyway(rule, value):
                text = value
                for key in reversed(path):
                    text = f"{{{key}: {text}}}"
                yield f"{'.'.join(path)}: {value[:30]}", text
        yield f"{'.'.join(path)}: in a wrong place", f"nowhere: {{{path[-1]}: 1}}"
    yield from FILES.items()


def outcome(file):
    """How one file ended: "one line", or what is wrong with it."""
    begun = time.perf_counter()
    try:
        load_config(file)
        said = "TAKEN"
    except UserError as error:
        said = "one line" if "\n" not in str(error) and len(str(error)) < 1000 else "LONG"
    except Exception as error:  # what else a file could do to the program is what is to be found out
        said = type(error).__name__.upper()
    return "SLOW" if time.perf_counter() - begun > SLOW else said


def whole(file):
    """The same through train.py."""
    done = subprocess.run([sys.executable, str(PROJECT / "train.py"), "--config", str(file)], capture_output=True, text=True,
                          timeout=120, cwd=PROJECT)
    fine = done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
    return "one line" if fine else f"EXIT {done.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    tally = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "itself.yml"
        for number, (name, text) in enumerate(texts()):
            file.write_text(text, encoding="utf-8")
            ended = outcome(file)
            if args.whole and number % 200 == 0 and ended == "one line":
                ended = whole(file)
            tally[ended] += 1
            if ended != "one line":
                print(f"{name}: {ended}", flush=True)
    print(", ".join(f"{count} {ended}" for ended, count in tally.most_common()))
    sys.exit(0 if set(tally) == {"one line"} else 1)


if __name__ == "__main__":
    main()
