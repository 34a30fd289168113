"""How likely texts are, through servers that can tell: one module a route, and a proof that its numbers are the right ones."""
