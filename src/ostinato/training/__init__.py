"""Training: the trainer, its loop, schedules and evaluation. Only ``snapshot`` is free of PyTorch."""
