"""Noun phrases of a parsed text: where a span begins and ends, as the annotation guidelines say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conflict_events.baselines.lexicon import Lexicon

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_PLACE_ENTITIES = frozenset(["GPE", "LOC", "FAC"])
_NO_PHRASE = frozenset(["DATE", "TIME", "MONEY", "PERCENT", "QUANTITY"])
_NO_PLACE = frozenset(
    ["DATE", "TIME", "CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY", "PERSON", "NORP", "EVENT"]
)
_MODIFIERS = frozenset(["compound", "amod", "nummod", "nmod", "quantmod", "poss"])
_ARTICLES = frozenset(["the", "a", "an", "this", "that", "these", "those"])
_ABOUT = frozenset(
    ["at", "least", "most", "about", "around", "nearly", "almost", "over", "more", "than", "up", "to", "approximately",
     "some", "as", "many", "only", "just", "roughly"]
)  # fmt: skip
_LONGEST_ACRONYM = 6  # tokens
_MOST_PHRASES = 8  # of a coordination or a chain of places: parsers build long ones out of tables and lists


def lemma(token: Token) -> str:
    """The lower-case lemma; the parser's lemmas of names are the names."""
    return str(token.lemma_).lower()


class Phrases:
    """The noun phrases of a document.

    Args:
        doc: parsed by spaCy, with entities.
        lexicon: for what is a place.
    """

    def __init__(self, doc: Doc, lexicon: Lexicon) -> None:
        self._doc = doc
        self._lexicon = lexicon
        self._lower = doc.text.islower()
        self._first = {chunk.root.i: chunk.start for chunk in doc.noun_chunks}
        self._entities = {token.i: entity for entity in doc.ents for token in entity}

    def bounds(self, head: Token, with_of: bool = True) -> tuple[int, int] | None:
        """Character offsets of the phrase under ``head``, without article, "at least" and possessive pronoun.

        Args:
            head: its head noun, name or number.
            with_of: keep a following *of*-phrase, unless it names a place.

        Returns:
            None for what is never marked: pronouns, and words that head no phrase.
        """
        if head.pos_ not in ("NOUN", "PROPN", "NUM", "ADJ") or head.ent_type_ in _NO_PHRASE:
            return None
        first, last = self._across_bracket(self._start(head)), self._end(head, with_of)
        while first < head.i and self._leads(self._doc[first]):
            first += 1
        end = self._doc[last]
        return int(self._doc[first].idx), int(end.idx + len(end))

    def coordinated(self, head: Token) -> list[Token]:
        """``head``, what is coordinated with it, and what "including" adds."""
        found = [head]
        for token in found:  # grows on the way
            for child in token.children:
                if len(found) < _MOST_PHRASES and child.i > head.i:
                    if child.dep_ == "conj" and child.pos_ != "VERB":
                        found.append(child)
                    elif child.lower_ == "including":
                        found += [noun for noun in child.children if noun.dep_ == "pobj"]
        return found

    def places(self, roots: list[Token]) -> list[Token]:
        """Heads of the places that prepositions below ``roots`` name, in text order."""
        found: dict[int, Token] = {}
        for root in roots:
            for child in root.children:
                if child.dep_ == "prep" or child.pos_ == "ADP":
                    for noun in child.children:
                        if noun.dep_ == "pobj" and self._locates(child.lower_, noun):
                            found |= {token.i: token for token in self._chain(noun)}
        return [found[number] for number in sorted(found)]

    def is_bare(self, head: Token) -> bool:
        """Whether the noun stands alone, as "city" in "the city of Tarmo"."""
        first = self._start(head)
        return all(self._leads(token) for token in self._doc[first : head.i])

    def is_place(self, token: Token) -> bool:
        """Whether the noun names a place: by its entity type, by the dictionary, or as a name of no other kind.

        In a text without capitals, a singular without article counts as a name.
        """
        if token.ent_type_ in _NO_PLACE:
            return lemma(token) in self._lexicon.lists["places"] and token.ent_type_ in ("PERSON", "NORP")
        if token.ent_type_ in _PLACE_ENTITIES or self._lexicon.has("places", lemma(token)):
            return True
        if lemma(token) in self._lexicon.weapons or self._lexicon.has("not_places", lemma(token)):
            return False
        return token.pos_ == "PROPN" or (
            self._lower
            and token.tag_ == "NN"
            and self.is_bare(token)
            and not any(child.dep_ == "det" for child in token.children)
        )

    def _locates(self, preposition: str, noun: Token) -> bool:
        if preposition == "on":
            return self._lexicon.has("surface_places", lemma(noun))
        return self._lexicon.has("place_prepositions", preposition) and (
            self.is_place(noun) or self._lexicon.has("place_relations", lemma(noun))
        )

    def _chain(self, noun: Token) -> Iterator[Token]:
        """Each place of "X area of Y town, Z"."""
        queue = [noun]
        for token in queue:  # grows on the way
            relation = self._lexicon.has("place_relations", lemma(token))
            if not relation:
                yield token
            for child in token.rights:
                if len(queue) >= _MOST_PHRASES:
                    break
                if child.dep_ == "prep" and child.lower_ in ("of", "in", "near", "at", "on"):
                    if relation or child.lower_ != "of" or not self.is_bare(token):
                        queue += [place for place in child.children if place.dep_ == "pobj" and self.is_place(place)]
                elif child.dep_ in ("appos", "conj") and child.nbor(-1).text != "(" and self.is_place(child):
                    queue.append(child)

    def _start(self, head: Token) -> int:
        if head.i in self._first:
            return self._first[head.i]
        first = head.i
        for child in reversed([child for child in head.lefts if child.dep_ in _MODIFIERS]):
            if child.right_edge.i != first - 1:
                break
            first = child.left_edge.i
        return first

    def _across_bracket(self, first: int) -> int:
        """Where a phrase begins that goes on after an acronym: "Harun Front (HF) fighters"."""
        if first > 2 and self._doc[first - 1].text == ")":
            for at in range(first - 2, max(first - _LONGEST_ACRONYM, 1), -1):
                if self._doc[at].text == "(" and self._doc[at - 1].pos_ == "PROPN":
                    return self._start(self._root(at - 1))
        return first

    def _root(self, at: int) -> Token:
        """The head of the phrase that ends with the token at ``at``."""
        token = self._doc[at]
        while token.head.i < token.i and token.head.pos_ in ("PROPN", "NOUN", "ADP"):
            token = token.head
        return token

    def _end(self, head: Token, with_of: bool) -> int:
        entity = self._entities.get(head.i)
        last = entity.end - 1 if entity is not None and entity.label_ in _PLACE_ENTITIES else head.i
        if with_of:
            for child in head.children:
                if child.lower_ == "of" and child.i == last + 1:
                    for noun in child.children:
                        if noun.dep_ == "pobj" and noun.ent_type_ not in _PLACE_ENTITIES and noun.pos_ != "PRON":
                            return self._end(noun, with_of)
        return last

    def _leads(self, token: Token) -> bool:
        """Whether the word at the beginning of a phrase stays outside of the span."""
        word = token.lower_
        if token.pos_ in ("PUNCT", "SPACE") or word in _ARTICLES or token.tag_ == "PRP$":
            return True
        return word in _ABOUT and token.pos_ not in ("NOUN", "PROPN")
