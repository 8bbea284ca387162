"""Cases: what readers confirmed and the model learns from, with the embeddings of its slices."""
