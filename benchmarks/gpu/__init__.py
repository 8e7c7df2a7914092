"""The parts of gpu_check.py. Each configuration is measured by a process of its own (worker.py)."""
