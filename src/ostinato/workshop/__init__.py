"""What a user holds: a model to generate and score with, and a training run to iterate over."""
