"""Search, rules, strategies, streaming text. Modules of settings and text need no PyTorch; ``search`` does."""
