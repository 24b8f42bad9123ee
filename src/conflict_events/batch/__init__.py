"""Batch runs over many articles."""
