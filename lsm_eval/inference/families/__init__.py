"""One file a family of architectures: what a loaded checkpoint of it can do (`network.Network`)."""
