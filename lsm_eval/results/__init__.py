"""Records of runs: their schema, writer and reader."""
