"""Engines run the encoder: windows of token ids in, rows of scores out."""
