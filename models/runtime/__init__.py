"""How networks run: ONNX Runtime sessions, the provider, batches across callers."""
