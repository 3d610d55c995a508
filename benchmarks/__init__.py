"""How fast it is: data, training and inference, each beside a peer. The words are those of benchmark.py."""
