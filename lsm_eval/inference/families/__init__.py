"""One file for each family of architectures, with its `network.Network`."""
