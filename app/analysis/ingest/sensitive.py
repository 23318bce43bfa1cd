"""Columns whose values look like personal data, told by a sample of their different cells.

A flag with its reason, and never more: no value is changed, hidden or left out for it. What is
checked is what a number says of itself (check digits, the number plans of telephones, the
ranges of card issuers), so that a column of keys of which every tenth passes by chance is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.analysis.ingest.classify import present
from app.analysis.ingest.national_ids import ANY_NAME, FEW, MANY, NATIONAL_IDS, SHARE, NationalId
from app.analysis.schema import SENSITIVE_WORDS, ColumnType, SensitiveKind

SAMPLE = 200
"""Different cells of a column that are looked at, spread over those that were drawn."""

_FIRST_LOOK = 20
_LONGEST = 2_000
_TYPES: frozenset[ColumnType] = frozenset(
    {"integer", "number", "categorical", "text", "id", "constant"}
)
_MANY_DIGITS = re.compile(r"(?:[0-9][^0-9]{0,3}){6}")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WHOLE = re.compile(r"([0-9]+)[.]0+")

# Not after what makes an address of a place in the net (//user@host), nor before a path
# (git@host:path), nor with a name of one letter behind the last point (a@1.2.x).
_EMAIL = re.compile(
    r"(?<![^\s<>()\[\],;:\"'|])[\w.%+'#&*=?^{}~$!-]{1,64}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@-]|:\S)"
)
_EMAIL_SHARE = 0.1

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_IBAN_SHARE = 0.5

_CARD = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")
_CARD_GROUPS = re.compile(
    r"[0-9]{4}(?P<mark>[ -])[0-9]{4}(?P=mark)[0-9]{4}(?P=mark)[0-9]{1,7}|"
    r"[0-9]{4}(?P<other>[ -])[0-9]{6}(?P=other)[0-9]{4,5}"
)
_CARD_NAMES = re.compile(r"card(?:n|$)|creditcard|debitcard|kreditkarte|kartenn|^pan$|^cc(?:n|$)")
# First digits and lengths of the large networks, as ISO/IEC 7812 gives them to issuers.
_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|(?:222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"  # Discover
    r"|3(?:0[0-59]|[68][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{8,15}"  # Maestro
)
_CARD_SHARE, _CARD_VALUES = 0.8, 5

_PHONE = re.compile(
    r"(?:tel:)?(?:[+] ?|00)?[(]?[0-9](?:[ ()/.\u2011\u2013-]{0,3}[0-9]){6,16}"
    r"(?: ?(?:x|ext\.?|-) ?[0-9]{1,6})?",
    re.IGNORECASE,
)
# As North America writes them; elsewhere the form of a national number says too little.
_NORTH_AMERICAN = re.compile(
    r"(?:1[ .-])?(?:[(][2-9][0-9]{2}[)] ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"
)
_PHONE_NAMES = re.compile(
    "phone|telephone|tel|telefon|telefono|teléfono|telefone|téléphone|telefoon|telefonnummer"
    "|rufnummer|mobile|mobil|mobilnummer|handy|cellphone|celular|fax|telefax|whatsapp|msisdn"
)
# What is said of telephones and is no number of one.
_NOT_PHONES = re.compile(
    "ids?|key|model|brand|type|counts?|price|plan|duration|minutes|seconds|cost|calls|users"
    "|country|code|date|time|name|os|version|index|score"
)
_PHONE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What a column's values look like, and what was seen of them."""

    kind: SensitiveKind
    reason: str


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    values: Sequence[str]

    def words(self) -> frozenset[str]:
        """The words of the column's name, however it joins them, and all of them as one."""
        found = [word.lower() for word in _WORDS.findall(self.name)]
        # Names in other scripts, or with marks on their letters, are taken as they are.
        found += [word.lower() for word in re.findall(r"[^\W\d_]+", self.name)]
        return frozenset(found)

    def joined(self) -> str:
        """The letters of the name."""
        return re.sub(r"[\W\d_]+", "", self.name).lower()

    def those(self, fits: Callable[[str], object]) -> list[str]:
        """The values that fit, or none where the first of them show that few would."""
        first = [value for value in self.values[:_FIRST_LOOK] if fits(value)]
        if len(first) < 0.5 * len(self.values[:_FIRST_LOOK]):
            return []
        return first + [value for value in self.values[_FIRST_LOOK:] if fits(value)]

    def told(self, count: int, what: str, verb: str = "are") -> str:
        """A reason: how many of the sampled values are what."""
        whole = len(self.values)
        many = f"all {whole:,}" if count == whole > 1 else f"{count:,} of {whole:,}"
        return f"{many} sampled values {verb} {what}"


def find_sensitive(name: str, kind: ColumnType, cells: Sequence[str]) -> Sensitive | None:
    """What the different ``cells`` of a column of type ``kind`` look like, if it is personal data.

    ``cells`` are as the file writes them; at most :data:`SAMPLE` of them are looked at.
    """
    if kind not in _TYPES:
        return None
    drawn = _spread(cells, SAMPLE)
    # Most columns hold neither and are done with here.
    addressed = any("@" in cell for cell in drawn)
    numbered = _mostly_long(_spread(drawn, _FIRST_LOOK))
    if not addressed and not numbered:
        return None
    values = [value[:_LONGEST] for value in present(drawn)]
    if kind == "number":
        values = _whole_numbers(values)
    if not values:
        return None
    sample = _Sample(name, values)
    if addressed and (found := _email(sample)):
        return found
    for judge in (_iban, _card, _national_id, _phone) if numbered else ():
        found = judge(sample)
        if found is not None:
            return found
    return None


def _spread(cells: Sequence[str], most: int) -> Sequence[str]:
    """At most so many cells, from the first to the last."""
    if len(cells) <= most:
        return cells
    return [cells[i * len(cells) // most] for i in range(most)]


def _mostly_long(cells: Sequence[str]) -> bool:
    """Whether half of the cells have as many digits as the shortest number that is looked for."""
    return 2 * sum(1 for cell in cells if _MANY_DIGITS.search(cell[:80])) >= len(cells) > 0


def _whole_numbers(values: Sequence[str]) -> list[str]:
    """The digits of numbers such as 2025550123.0, as programs write them beside a missing one."""
    whole = [found[1] if (found := _WHOLE.fullmatch(value)) else value for value in values]
    return whole if all(value.isascii() and value.isdigit() for value in whole) else []


def _digits(value: str) -> str:
    return re.sub(r"[^0-9]", "", value)


def _email(sample: _Sample) -> Sensitive | None:
    found = [value for value in sample.values if _EMAIL.search(value)]
    if len(found) < min(3, len(sample.values)) or len(found) < _EMAIL_SHARE * len(sample.values):
        return None
    whole = all(_EMAIL.fullmatch(value) for value in found)
    verb = "are" if whole else "contain"
    return Sensitive("email", sample.told(len(found), SENSITIVE_WORDS["email"], verb))


def _iban(sample: _Sample) -> Sensitive | None:
    shaped = sample.those(_IBAN.fullmatch)
    if len(shaped) < _IBAN_SHARE * len(sample.values):
        return None
    from stdnum import iban

    valid = sum(iban.is_valid(value, check_country=False) for value in shaped)
    if not valid or valid < _IBAN_SHARE * len(sample.values):
        return None
    return Sensitive("iban", sample.told(valid, "IBANs with valid check digits"))


def _card(sample: _Sample) -> Sensitive | None:
    issued = sample.those(lambda v: _CARD.fullmatch(v) and _ISSUERS.fullmatch(_digits(v)))
    needed = _CARD_SHARE * len(sample.values)
    if not issued or len(issued) < needed:
        return None
    helped = _CARD_NAMES.search(sample.joined()) or all(map(_CARD_GROUPS.fullmatch, issued))
    if len(issued) < (1 if helped else _CARD_VALUES):
        return None
    from stdnum import luhn

    valid = sum(luhn.is_valid(_digits(value)) for value in issued)
    if valid < needed:
        return None
    what = "numbers of a card network with valid check digits"
    return Sensitive("payment_card", sample.told(valid, what))


def _national_id(sample: _Sample) -> Sensitive | None:
    words, joined = sample.words(), sample.joined()
    for kind in NATIONAL_IDS:
        named = bool(words & kind.words or joined in kind.words or ANY_NAME.search(joined))
        least = FEW if named or kind.telling else MANY
        if len(sample.values) < least or (kind.named and not named):
            continue
        valid = _valid_ids(sample, kind)
        if valid:
            what = f"{kind.title} numbers by their form and check digits"
            return Sensitive("national_id", sample.told(valid, what))
    return None


def _valid_ids(sample: _Sample, kind: NationalId) -> int:
    """How many values are such numbers; none where too few are."""
    shaped = sample.those(kind.shape.fullmatch)
    needed = SHARE * len(sample.values)
    if len(shaped) < needed:
        return 0
    check = kind.checker()
    valid = len(_Sample(sample.name, shaped).those(check))
    return valid if valid >= needed else 0


def _phone(sample: _Sample) -> Sensitive | None:
    shaped = sample.those(_PHONE.fullmatch)
    needed = _PHONE_SHARE * len(sample.values)
    if not shaped or len(shaped) < needed:
        return None
    spelled = [value for value in shaped if _is_spelled(value)]
    if len(spelled) >= needed:
        valid = sum(map(_in_number_plan, spelled))
        if valid >= needed:
            what = "telephone numbers of a country's number plan"
            return Sensitive("phone", sample.told(valid, what))
    words = sample.words()
    fitting = [value for value in shaped if 7 <= len(_digits(value)) <= 15]
    named = any(map(_PHONE_NAMES.fullmatch, words)) and not any(map(_NOT_PHONES.fullmatch, words))
    if named and len(fitting) >= needed:
        reason = sample.told(len(fitting), "telephone numbers by their form")
        return Sensitive("phone", f"{reason}, and the column's name says so")
    return None


def _is_spelled(value: str) -> bool:
    """Whether a number is written as only telephone numbers are."""
    bare = value.lower().removeprefix("tel:").strip()
    return bare.startswith(("+", "00")) or _NORTH_AMERICAN.fullmatch(bare) is not None


def _in_number_plan(value: str) -> bool:
    import phonenumbers

    bare = value.lower().removeprefix("tel:").strip()
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    try:
        number = phonenumbers.parse(bare, None if bare.startswith("+") else "US")
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))
