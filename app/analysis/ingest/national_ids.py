"""Which numbers of persons can be told from other numbers, and by what.

Each is checked by the module of python-stdnum that knows its check digits. Numbers whose check
is shared with something harmless count only under a name that says so: a British NHS number is
checked exactly as an ISBN of ten digits, a Canadian SIN as a French SIREN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

# Names under which any of these numbers may be expected, written together and in lower case.
ANY_NAME = re.compile(
    r"nationalid|nationalinsurance|identityn|identificationn|personalid|personaln|citizenid"
    r"|socialsecurity|socialinsurance|personnummer|personenkennzahl"
)
MANY = 10
"""Different values that it takes to tell numbers without letters or marks by their digits alone."""

FEW = 3
"""Different values that it takes where their form or the column's name helps."""

SHARE = 0.9


@dataclass(frozen=True)
class NationalId:
    """One kind of number; ``named``: only under a name that says so, ``telling``: its form is rare."""

    title: str
    module: str
    pattern: str
    words: frozenset[str] = frozenset()
    named: bool = False
    telling: bool = False

    @cached_property
    def shape(self) -> re.Pattern[str]:
        """What a cell must look like, before its digits are checked."""
        return re.compile(self.pattern, re.IGNORECASE)

    def checker(self) -> Callable[[str], bool]:
        """The check of one cell, with its check digits and whatever date it holds."""
        from importlib import import_module

        module = import_module(f"stdnum.{self.module}")
        check: Callable[[str], bool] = module.is_valid
        return check


def _kind(
    title: str,
    module: str,
    pattern: str,
    words: str = "",
    *,
    named: bool = False,
    telling: bool = False,
) -> NationalId:
    return NationalId(title, module, pattern, frozenset(words.split()), named, telling)


_11 = r"[0-9]{11}"
NATIONAL_IDS: Sequence[NationalId] = (
    _kind("US social security", "us.ssn", r"[0-9]{3}-[0-9]{2}-[0-9]{4}", "ssn", telling=True),
    _kind("US social security", "us.ssn", r"[0-9]{9}", "ssn", named=True),
    _kind("British NHS", "gb.nhs", r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{4}", "nhs", named=True),
    _kind("German tax identification", "de.idnr", r"[1-9][0-9](?: ?[0-9]{3}){3}", "idnr steuerid"),
    _kind("French social security", "fr.nir", r"[12](?: ?[0-9AB]){14}", "nir", telling=True),
    _kind(
        "Italian codice fiscale",
        "it.codicefiscale",
        r"[A-Z]{6}[0-9A-Z]{2}[A-Z][0-9A-Z]{2}[A-Z][0-9A-Z]{3}[A-Z]",
        "codicefiscale",
        telling=True,
    ),
    _kind("Spanish DNI", "es.dni", r"[0-9]{8}[ -]?[A-Z]", "dni", telling=True),
    _kind("Spanish NIE", "es.nie", r"[XYZ][ -]?[0-9]{7}[ -]?[A-Z]", "nie", telling=True),
    _kind("Portuguese citizen card", "pt.cc", r"[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]", telling=True),
    _kind("Dutch BSN", "nl.bsn", r"[0-9]{9}", "bsn burgerservicenummer", named=True),
    _kind(
        "Belgian national", "be.nn", r"[0-9]{2}[.]?[0-9]{2}[.]?[0-9]{2}[- ]?[0-9]{3}[. ]?[0-9]{2}"
    ),
    _kind("Swiss AHV", "ch.ssn", r"756[.]?[0-9]{4}[.]?[0-9]{4}[.]?[0-9]{2}", "ahv avs"),
    _kind("Irish PPS", "ie.pps", r"[0-9]{7}[A-W][A-IW]?", "pps ppsn", telling=True),
    _kind("Danish CPR", "dk.cpr", r"[0-9]{6}-?[0-9]{4}", "cpr", named=True),
    _kind("Swedish personal", "se.personnummer", r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}"),
    _kind("Norwegian birth", "no.fodselsnummer", r"[0-9]{6} ?[0-9]{5}", "fodselsnummer"),
    _kind("Finnish personal", "fi.hetu", r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]", telling=True),
    _kind("Icelandic kennitala", "is_.kennitala", r"[0-9]{6}-?[0-9]{4}", "kennitala"),
    _kind("Estonian or Lithuanian personal", "ee.ik", _11, "isikukood"),
    _kind("Polish PESEL", "pl.pesel", _11, "pesel"),
    _kind("Czech or Slovak birth", "cz.rc", r"[0-9]{6}/[0-9]{4}", "rc rodnecislo"),
    _kind("Romanian CNP", "ro.cnp", r"[0-9]{13}", "cnp"),
    _kind("Bulgarian EGN", "bg.egn", r"[0-9]{10}", "egn"),
    _kind("Croatian OIB", "hr.oib", _11, "oib", named=True),
    _kind("Slovene EMŠO", "si.emso", r"[0-9]{13}", "emso"),
    _kind("Greek AMKA", "gr.amka", _11, "amka"),
    _kind("Turkish identity", "tr.tckimlik", _11, "tckn tckimlik tckimlikno"),
    _kind("Brazilian CPF", "br.cpf", r"[0-9]{3}[.]?[0-9]{3}[.]?[0-9]{3}-?[0-9]{2}", "cpf"),
    _kind(
        "Mexican CURP", "mx.curp", r"[A-Z]{4}[0-9]{6}[A-Z]{6}[0-9A-Z][0-9]", "curp", telling=True
    ),
    _kind(
        "Chilean RUN", "cl.rut", r"[0-9]{1,2}[.]?[0-9]{3}[.]?[0-9]{3}-[0-9K]", "rut run", named=True
    ),
    _kind(
        "Canadian social insurance",
        "ca.sin",
        r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{3}",
        "sin",
        named=True,
    ),
    _kind("Australian tax file", "au.tfn", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", "tfn", named=True),
    _kind(
        "Indian Aadhaar", "in_.aadhaar", r"[2-9][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}", "aadhaar aadhar"
    ),
    _kind("Chinese resident identity", "cn.ric", r"[1-9][0-9]{16}[0-9X]", telling=True),
    _kind("South Korean resident", "kr.rrn", r"[0-9]{6}-?[0-9]{7}", "rrn"),
    _kind("Thai identity", "th.pin", r"[1-8]([ -]?)[0-9]{4}\1[0-9]{5}\1[0-9]{2}\1[0-9]"),
    _kind("Israeli identity", "il.idnr", r"[0-9]{8,9}", "teudatzehut", named=True),
    _kind(
        "Japanese individual",
        "jp.in_",
        r"[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}",
        "mynumber",
        named=True,
    ),
    _kind("South African identity", "za.idnr", r"[0-9]{6} ?[0-9]{4} ?[0-9]{3}"),
)
