"""The words that names of columns are made of, as data."""

from __future__ import annotations

from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """The words of ``text`` as a set."""
    return frozenset(text.split())


ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    "dep": ("departure",), "arr": ("arrival",), "temp": ("temperature",), "dest": ("destination",),
    "orig": ("origin",), "qty": ("quantity",), "amt": ("amount",), "pop": ("population",),
    "dept": ("department",), "emp": ("employee",), "cust": ("customer",), "prod": ("product",),
    "cat": ("category",), "desc": ("description",), "addr": ("address",), "yr": ("year",),
    "wt": ("weight",), "ht": ("height",), "len": ("length",), "dist": ("distance",),
    "vol": ("volume",), "lat": ("latitude",), "lon": ("longitude",), "lng": ("longitude",),
    "hp": ("horsepower",), "cyl": ("cylinders",), "avg": ("average",), "num": ("number",),
    "sex": ("gender",), "gender": ("sex",), "max": ("maximum",), "min": ("minimum",),
    "pct": ("percent", "percentage"), "edu": ("education",), "exp": ("experience",),
    "mgr": ("manager",), "acct": ("account",), "bal": ("balance",), "precip": ("precipitation",),
    "dob": ("birthday",), "tel": ("telephone",), "lang": ("language",), "nat": ("nationality",),
    "org": ("organisation", "organization"), "sched": ("scheduled",), "std": ("standard",),
}  # fmt: skip
"""Parts of column names → what people call them."""

UNITS = words(
    "mm cm m km mi g kg lb lbs oz s sec secs second seconds min mins minute minutes h hr hrs hour "
    "hours day days week weeks month months year years usd eur gbp dollars euros pct percent "
    "percentage f c mph kmh inch inches in ft feet miles mile mbar hpa ml l usdollars k mg ms "
    "sqft sqm m2 pixels px mb gb kb kwh"
)
"""Last words of a column's name that people leave out."""

UNIT_NAMES: Mapping[str, str] = {
    name: unit
    for unit, names in (
        ("g", "gram grams gramme grammes"), ("kg", "kilogram kilograms kilos"),
        ("mm", "millimeter millimeters millimetre millimetres"), ("m", "meter meters metre metres"),
        ("cm", "centimeter centimeters centimetre centimetres"), ("lbs", "pounds"),
        ("km", "kilometer kilometers kilometre kilometres"), ("lb", "pound"), ("f", "fahrenheit"),
        ("c", "celsius"), ("in", "inch inches"), ("ft", "feet foot"), ("mi", "mile miles"),
        ("percent", "percents %"), ("pct", "percent"), ("min", "minute minutes"),
        ("sec", "seconds second"), ("hrs", "hours"), ("hr", "hour"), ("usd", "dollars dollar"),
        ("eur", "euros euro"),
    )
    for name in names.split()
}  # fmt: skip
"""Units in full → as the names of columns shorten them."""

KEY_WORDS = words("id ids code key no nr num number uuid")
LABEL_WORDS = words("name title label")
MONEY = words(
    "price cost fare amount revenue income salary sale total wage fee charge profit pay "
    "payment tip bill budget balance"
)

# Adjective → the column heads it speaks of, and whether "more" of it means a larger value.
DIMENSIONS: Mapping[str, tuple[frozenset[str], bool]] = {
    "old": (words("age"), True),
    "young": (words("age"), False),
    "expensive": (words("price cost fare"), True),
    "cheap": (words("price cost fare"), False),
    "heavy": (words("weight mass"), True),
    "light": (words("weight mass"), False),
    "tall": (words("height"), True),
}
ROLES: Mapping[str, frozenset[str]] = {
    "from": words("origin source from departure start home sender"),
    "to": words("destination dest to arrival end target receiver"),
}
"""Prepositions → words in the names of the columns that they point at."""

VERB_ROLES: Mapping[str, str] = {
    **dict.fromkeys(words("departing departed departs depart leaving left coming came"), "from"),
    **dict.fromkeys(words("originating starting"), "from"),
    **dict.fromkeys(words("going flying arriving arrived heading headed bound destined"), "to"),
}
"""Verbs of movement → the preposition whose column they point at, whatever stands between."""

REAL_WORDS = words(
    "country county state status price prize prices weight height date rate ratio quantity quality "
    "month mouth year age wage city salary cost coast count amount product project client color "
    "name game team time title table class course customer order category date day week region "
    "religion reason season person position station nation section session version profit profile "
    "revenue income score store story stock street type value volume colour grade trade brand "
    "branch model mode code node rating rank bank gender tender sender sales sale sample range "
    "change charge charger share shape size site side sex tax fax fee fees face race place plate "
    "plane plan plant part party port post point print paint rain train brain drain grain speed "
    "seed need feed weed width depth death health wealth length strength temperature pressure "
    "measure treasure pleasure mass miles males tail mail rail sail wind window wing ring king "
    "humidity visibility mobility ability delay relay display discount account district distance "
    "instance balance duration location education vocation vacation origin margin destination "
    "airline airport aircraft carrier career number member department apartment manager employee "
    "employer supplier address email phone language baggage package page stage image usage mileage "
    "budget gadget target market ticket rocket pocket job role rule title level label"
)
"""Words that a column's name is often made of: such a word is meant, not a slip of the finger."""
