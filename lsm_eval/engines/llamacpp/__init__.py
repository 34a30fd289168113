"""GGUF files through llama.cpp: its server runs in this process, on loopback, and is asked as any endpoint is."""
