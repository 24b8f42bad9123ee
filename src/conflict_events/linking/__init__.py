"""Spans to events: the trained linker, and the sentence rule for checkpoints without one."""
