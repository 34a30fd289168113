"""Outcomes of models on the same samples: right or wrong, where models agree, and which samples are hard or disputed."""
