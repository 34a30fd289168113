"""A reasoning model's thoughts told apart from its answer: pure functions of text, and the table of ways to mark them."""
