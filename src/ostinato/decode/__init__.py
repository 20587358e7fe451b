"""Search, rules, strategies, streaming text. What settings and text need is free of PyTorch; ``search`` is not."""
