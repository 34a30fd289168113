"""How the templates of a task file become texts: compiled once, rendered over a row, bounded in what they may take."""
