"""A stream as pictures: the gate that sleeps, the decoders, the watcher."""
