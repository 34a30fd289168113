"""What a server does with what is sent to it: found out by a handful of short requests, and kept."""
