"""Whom and what an article names, each once: spans of one role whose wordings say the same, grouped.

"Two soldiers of the garrison" in the first sentence and "soldiers" in the fifth are two spans, and one victim. A
wording belongs to a longer one of the same role that has all of its words; one that no longer wording holds is a
filler of its own, and names it. Case, punctuation and English articles make no difference; the A of "Sector A" does.

Chosen on dev of MUC-4, whose keys want each filler once: docs/experiments.md, section 20, has the figures and the rules
that did worse.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from conflict_events.extraction import Filler
from conflict_events.schema import Span

_ARTICLE = re.compile(r"^(?:[Tt]he|an?|An?(?=\s[a-z]))\s|\bthe\s")
_APOSTROPHE = re.compile("['\u2019]")
_BETWEEN = re.compile(r"[\W_]+")


def fillers(spans: Iterable[Span]) -> list[Filler]:
    """Group spans into role fillers; every span stands in exactly one.

    Returns:
        In the order of their first mentions. A wording that fits several belongs to the longest.
    """
    by_wording: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for span in sorted(spans):
        by_wording[span.role][_wording(span.text)].append(span)
    found: list[Filler] = []
    for wordings in by_wording.values():
        holders: dict[str, list[int]] = defaultdict(list)  # by word, which groups have it in their names, longest first
        groups: list[list[Span]] = []
        for wording in sorted(wordings, key=len, reverse=True):
            words = frozenset(wording.split()) or {wording}  # of nothing but blanks
            holding = set.intersection(*(set(holders[word]) for word in words))
            if holding:
                groups[min(holding)] += wordings[wording]
                continue
            for word in words:
                holders[word].append(len(groups))
            groups.append(list(wordings[wording]))
        found += [Filler(group[0], tuple(sorted(group))) for group in groups]
    return sorted(found, key=lambda filler: filler.mentions[0])


def _wording(text: str) -> str:
    """The words that are compared; the text itself where it has none."""
    plain = _BETWEEN.sub(" ", _APOSTROPHE.sub("", _ARTICLE.sub("", text))).casefold().strip()
    return plain or text.strip() or text
