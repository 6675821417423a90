"""Neural models behind small ports, their ONNX Runtime implementations, the model store, and training."""
