"""Training of our own models on rendered plates; needs the `training` extra (torch)."""
