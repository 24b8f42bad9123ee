"""Corpora with a public home, each in its own layout: one module a layout, texts fetched and checked."""
