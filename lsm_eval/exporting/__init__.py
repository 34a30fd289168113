"""Records in other tools' forms."""
