"""ONNX decoders run by ONNX Runtime, with the same scoring and generation as checkpoints of transformers."""
