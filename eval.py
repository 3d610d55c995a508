"""Turn mattes into figures that others can check: networks, baselines and foreign mattes on one benchmark.

`python eval.py --help` shows how; ``bgmatting eval`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("eval")
