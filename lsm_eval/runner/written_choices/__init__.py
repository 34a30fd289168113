"""Multiple-choice tasks in which the model writes the label of a choice, for models without log-probabilities."""
