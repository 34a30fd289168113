"""GGUF files run by llama.cpp, whose server runs in this process on loopback and is used like any endpoint."""
