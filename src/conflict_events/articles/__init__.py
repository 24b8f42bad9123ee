"""New text in: text files, JSONL, CSV, Parquet, compressed or not -> articles, one at a time, whatever the size.

A record that cannot be read becomes a :class:`BadRecord` with its place and the reason, and reading goes on. A new
format is one small module with ``read(file, columns)`` and one line in ``READERS`` (:mod:`.sources`).
"""

from conflict_events.articles.records import Article, BadRecord, Columns, Record
from conflict_events.articles.sources import Source, find_sources, read_articles

__all__ = ["Article", "BadRecord", "Columns", "Record", "Source", "find_sources", "read_articles"]
