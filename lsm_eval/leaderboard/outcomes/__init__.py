"""What models made of the same samples: right or wrong, where they agree, and which samples are hard or disputed."""
