"""Walking through rolls frame by frame: by PyTorch, or by compiled code without it."""
