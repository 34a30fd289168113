"""Who answers: one file a backend. A model knows nothing of tasks."""
