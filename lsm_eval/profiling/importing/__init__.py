"""Import of other tools' measurements of servers as profiles."""
