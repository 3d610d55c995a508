"""Files of a network for other programs: ONNX, OpenVINO, Paddle."""
