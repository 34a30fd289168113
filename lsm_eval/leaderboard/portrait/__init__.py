"""One model against the field: its areas, where it is surely better or worse, how fast it is, how to ask it again."""
