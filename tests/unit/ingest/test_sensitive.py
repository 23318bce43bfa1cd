"""Columns that look like personal data, and those that only resemble it.

Every number here is a documented test number, or made from a formula and belongs to nobody.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from stdnum import luhn
from stdnum.pl import pesel

from app.analysis.ingest.jobs import append, retype
from app.analysis.ingest.sensitive import find_sensitive
from app.analysis.progress import silent
from tests.unit.ingest.reading import LIMIT, Read
from tests.unit.ingest.test_formats import parquet

# Published by the card networks and by payment services for tests.
CARDS = [
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "3566002020360505",
    "6200000000000005",
]
# From the register of IBAN formats.
IBANS = [
    "GB29 NWBK 6016 1331 9268 19",
    "DE89370400440532013000",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NO93 8601 1117 947",
    "CH93-0076-2011-6238-5295-7",
]


def checked(numbers: list[str], digit: Callable[[str], str]) -> list[str]:
    return [number + digit(number) for number in numbers]


def modulo_11(number: str) -> str:
    """The check digit of an ISBN of ten digits, and of an NHS number as well."""
    digit = -sum((10 - place) * int(n) for place, n in enumerate(number)) % 11
    return "X" if digit == 10 else str(digit)


# Born in the 23rd century.
PESELS = checked(
    [f"{year:02d}8115{n:04d}" for n, year in enumerate(range(10, 60))], pesel.calc_check_digit
)
# 999 is kept for tests; a check digit of 10 is not given out.
NHS = [
    number
    for number in checked([f"999{n:06d}" for n in range(100, 180)], modulo_11)
    if number.isdigit()
]
SPECIMENS = {
    "fi.hetu": ["131052-308T", "131052A308T", "131052+308T"],
    "es.dni": ["12345678Z", "00000000-T", "11111111H"],
}


def kind(name: str, cells: list[str], of: Any = "text") -> str | None:
    found = find_sensitive(name, of, cells)
    return None if found is None else found.kind


@pytest.mark.parametrize(
    ("expected", "name", "cells"),
    [
        ("email", "kontakt", [f"user{n}@example.org" for n in range(40)]),
        ("email", "x", ["Ada <ada@example.org>", "mailto:bob@example.com"]),
        ("email", "x", ["jürgen.groß@müller.example"]),
        ("email", "notes", [f"call or write to a{n}@example.net, please" for n in range(5)]),
        ("email", "notes", ["nothing"] * 1 + [f"note {n}" for n in range(30)] + [f"b{n}@example.net" for n in range(5)]),
        ("iban", "x", IBANS),
        ("iban", "x", [IBANS[0].lower()]),
        ("iban", "x", [*IBANS, "unknown", "see letter"]),
        ("payment_card", "x", CARDS),
        ("payment_card", "x", ["4111 1111 1111 1111", "5555-5555-5555-4444", "3782 822463 10005"]),
        ("payment_card", "cardNumber", CARDS[:1]),
        ("phone", "x", [f"+49 30 23125 {n:03d}" for n in range(30)]),
        ("phone", "x", [f"+4930231250{n:02d}" for n in range(30)]),
        ("phone", "x", [f"0049 30 231250{n:02d}" for n in range(30)]),
        ("phone", "x", [f"(202) 555-01{n:02d}" for n in range(30)]),
        ("phone", "x", [f"202.555.01{n:02d}" for n in range(30)]),
        ("phone", "x", [f"tel:+44-20-7946-0{n:03d}" for n in range(30)]),
        ("phone", "Telefon", [f"030/231250{n:02d}" for n in range(30)]),
        ("phone", "homePhone", [f"202555{n:04d}" for n in range(100, 130)]),
        ("phone", "phone number", [f"+1 202 555 01{n:02d} ext. {n}" for n in range(30)]),
        ("national_id", "x", PESELS),
        ("national_id", "nhs_number", NHS),
        ("national_id", "NationalID", NHS),
        ("national_id", "x", [f"123-45-67{n:02d}" for n in range(10, 20)]),
        ("national_id", "ssn", [f"1234567{n:02d}" for n in range(10, 20)]),
        ("national_id", "x", SPECIMENS["fi.hetu"]),
        ("national_id", "x", SPECIMENS["es.dni"]),
    ],
)  # fmt: skip
def test_personal_data_is_told(expected: str, name: str, cells: list[str]) -> None:
    assert kind(name, cells) == expected


RANDOM = random.Random(7)
ISBNS = [
    number
    for number in checked([f"316148{n:03d}" for n in range(100)], modulo_11)
    if number.isdigit()
]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("id", [str(4_000_000_000_000_000 + n) for n in range(2_000)]),
        ("id", [str(RANDOM.randrange(10**15, 10**16)) for _ in range(2_000)]),
        # As many as pass by chance, and all of them: IMEIs have Luhn's digit and are no cards.
        ("imei", checked([f"35{n:012d}" for n in range(500)], luhn.calc_check_digit)),
        ("siren", checked([f"7{n:07d}" for n in range(500)], luhn.calc_check_digit)),
        ("order", checked([f"9{n:014d}" for n in range(500)], luhn.calc_check_digit)),
        ("x", CARDS[:2]),
        ("created", [str(1_700_000_000_000 + 61_000 * n) for n in range(500)]),
        ("amount", [str(RANDOM.randrange(10**6, 10**9)) for _ in range(500)]),
        ("n", [str(RANDOM.randrange(10**9, 10**11)) for _ in range(500)]),
        ("isbn", ISBNS),
        ("order", [f"2401{n:02d}-{n:04d}" for n in range(1, 31)]),
        ("part", [f"AB{n:02d} 0000 1111 2222 {n:04d}" for n in range(60)]),
        ("number", [f"202555{n:04d}" for n in range(100, 130)]),
        ("phone_id", [str(10_000_000 + n) for n in range(300)]),
        ("mobilePrice", [str(10_000_000 + n) for n in range(300)]),
        ("phones", [str(n) for n in range(300)]),
        ("delta", [f"+{n}" for n in range(1_000_000, 1_000_300)]),
        ("date", [f"2024-01-{n:02d}" for n in range(1, 29)]),
        ("ip", [f"192.168.100.{n}" for n in range(1, 200)]),
        ("uuid", [f"{RANDOM.getrandbits(128):032x}" for _ in range(200)]),
        ("version", [f"react@1.{n}.x" for n in range(30)]),
        ("remote", [f"git@example.org:team/repo{n}.git" for n in range(30)]),
        ("url", [f"https://user@example.org/{n}" for n in range(30)]),
        ("handle", [f"@ada{n}" for n in range(30)]),
        ("text", [f"one of many words, {n} in all" for n in range(300)]),
        ("text", [f"note {n}" for n in range(300)] + ["ada@example.org"]),
        ("empty", []),
        ("blank", ["", " ", "NA"]),
    ],
)  # fmt: skip
def test_what_only_resembles_it_is_not(name: str, cells: list[str]) -> None:
    assert kind(name, cells) is None


def test_numbers_that_are_measured_are_none() -> None:
    latitudes = [f"+{RANDOM.uniform(40, 60):.9f}" for _ in range(300)]
    assert kind("lat", latitudes, "number") is None
    assert kind("phone", [f"202555{n:04d}.0" for n in range(100, 130)], "number") == "phone"
    assert kind("phone", [f"202555{n:04d}.5" for n in range(100, 130)], "number") is None


def test_the_reason_says_how_many_of_how_many() -> None:
    found = find_sensitive("x", "text", [*CARDS, "4111111111111112"])
    assert found is not None
    assert (
        found.reason
        == "15 of 16 sampled values are numbers of a card network with valid check digits"
    )


def test_a_long_cell_costs_no_time() -> None:
    assert kind("x", ["a" * 1_000_000 + "@", "@" * 1_000_000, ("a." * 500_000) + "@b.c"]) is None
    assert kind("x", ["1 " * 1_000_000] * 3) is None


HEAD = "id,mail,amount,card\n"


def rows(first: int, count: int) -> str:
    return "".join(
        f"{n},user{n}@example.org,{n * 7},{CARDS[n % len(CARDS)]}\n"
        for n in range(first, first + count)
    )


def flags(found: Read | dict[str, Any]) -> dict[str, str | None]:
    result = found if isinstance(found, dict) else found.result
    return {column["name"]: column["sensitive"] for column in result["columns"]}


EXPECTED = {"id": None, "mail": "email", "amount": None, "card": "payment_card"}


def test_every_format_is_flagged_and_no_value_changes(read: Any, tmp_path: Path) -> None:
    table = read(HEAD + rows(1, 30))
    assert flags(table) == EXPECTED
    assert table.values("mail")[0] == "user1@example.org"
    assert table.values("card")[0] == CARDS[1]
    reasons = {column["name"]: column["sensitive_reason"] for column in table.result["columns"]}
    assert reasons["mail"] == "all 30 sampled values are e-mail addresses"
    assert reasons["amount"] == ""
    numbers = {"card_no": [int(card) for card in CARDS], "amount": list(range(len(CARDS)))}
    declared = read(parquet(pa.table(numbers)), "t.parquet")
    assert flags(declared) == {"card_no": "payment_card", "amount": None}
    assert declared.values("card_no")[0] == int(CARDS[0])
    asked = read(HEAD + rows(1, 30), types={"mail": "categorical", "card": "text"})
    assert flags(asked) == EXPECTED


def test_appending_and_retyping_keep_and_find_flags(read: Any, tmp_path: Path) -> None:
    base = read("id,mail,phone\n" + "".join(f"{n},,\n" for n in range(1, 12)))
    assert set(flags(base).values()) == {None}
    source, out = tmp_path / "more.csv", tmp_path / "out"
    out.mkdir()
    source.write_text(
        "id,mail,phone\n"
        + "".join(f"{n},u{n}@example.org,2025550{n:03d}\n" for n in range(101, 120))
    )
    joined = append(
        source=str(source),
        filename="more.csv",
        base=str(base.data),
        columns=base.result["columns"],
        out_dir=str(out),
        options={},
        remembered={},
        max_unpacked_bytes=LIMIT,
        progress=silent,
    )
    assert flags(joined) == {"id": None, "mail": "email", "phone": "phone"}
    typed = tmp_path / "typed"
    typed.mkdir()
    changed = retype(
        source=str(out / "data.parquet"),
        out_dir=str(typed),
        columns=joined["columns"],
        changes=[{"name": "mail", "type": "categorical"}],
        progress=silent,
    )
    assert flags(changed) == {"id": None, "mail": "email", "phone": "phone"}


def test_the_libraries_load_only_when_a_column_has_the_form(tmp_path: Path) -> None:
    """Most tables hold no such column and are not to pay for it."""
    code = (
        "import sys; from app.analysis.ingest.sensitive import find_sensitive as find\n"
        "find('id', 'id', [str(n) for n in range(1000)]); find('t', 'text', ['a word'] * 50)\n"
        "find('mail', 'text', ['a@example.org'])\n"
        "assert not {'stdnum', 'phonenumbers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
