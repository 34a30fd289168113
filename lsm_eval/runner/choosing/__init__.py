"""Tasks that score choices, asked to write the label of one instead: for models that tell no log-probabilities."""
