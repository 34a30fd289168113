"""Decoders in ONNX, computed by ONNX Runtime: scored and continued as a checkpoint of transformers is."""
