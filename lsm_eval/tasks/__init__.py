"""What is asked: task files, datasets, prompts, few-shot examples."""
