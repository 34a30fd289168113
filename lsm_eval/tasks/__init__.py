"""Task files and suites, and the samples made from them: prompts, choices, few-shot examples."""
