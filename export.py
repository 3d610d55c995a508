"""Write the whole network as one file that other programs run: ONNX, OpenVINO, Paddle's static graph, or PyTorch's.

`python export.py --help` shows how; ``bgmatting export`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("export")
