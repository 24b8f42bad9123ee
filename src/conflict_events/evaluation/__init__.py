"""Scores of systems on a corpus: through the extractor as users get it, from files of predictions, of baselines."""
