"""Runs on disk: create, publish, load, resume, export. No PyTorch here."""

from ostinato.runs.folder import Checkpoint, RunFolder
from ostinato.runs.saved import SavedModel, export, read_about, read_model

__all__ = ["Checkpoint", "RunFolder", "SavedModel", "export", "read_about", "read_model"]
