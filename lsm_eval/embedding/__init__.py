"""Sentence embeddings, for methods that compare meanings (extra `embeddings`)."""
