"""What a model's page shows: means by area, where it is surely better or worse than other models, its speed, and how to repeat a run."""
