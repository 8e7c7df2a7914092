"""Device, step, optimizer, loop and checkpoints."""
