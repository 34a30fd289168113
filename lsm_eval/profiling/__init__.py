"""How fast, of what the machine could do: operations, bandwidth, memory."""
