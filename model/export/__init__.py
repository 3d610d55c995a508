"""Files of a network for other programs: ONNX, OpenVINO, Paddle; and the network in PyTorch, which is optional."""
