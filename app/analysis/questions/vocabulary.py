"""The English that questions are made of, as data: no rule lives here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from app.analysis import calendar
from app.analysis.questions.naming import words
from app.analysis.questions.plan import Function, Operator, Part

Phrases = Mapping[str, tuple[tuple[str, ...], ...]]
"""First word → the phrases that begin with it, longest first."""


def phrases(*texts: str) -> Phrases:
    """Phrases ready to be matched word by word."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for text in texts:
        split = tuple(text.split())
        found.setdefault(split[0], []).append(split)
    return {first: tuple(sorted(rest, key=len, reverse=True)) for first, rest in found.items()}


NOISE = words(
    "the a an please kindly ? . ! , : ( ) - $ € £ my our this these those its their there"
)
"""Words and signs that say nothing about what is asked for."""

PREFACE = phrases(
    "what is", "what are", "what was", "what were", "what s", "whats", "what", "show", "show me",
    "give", "give me", "tell me", "find", "find me", "calculate", "compute", "get", "get me",
    "return", "display", "list", "i want to know", "i would like to know", "i need", "can you tell me",
    "could you tell me", "can you give me", "do you know", "how much is", "how high is",
    "how large is", "how big is", "how long is", "and", "so", "hello", "hi", "determine", "report",
    "which is", "which are", "which was", "which were", "can you show me", "can you find",
)  # fmt: skip
FILLERS = phrases(
    "in data", "in dataset", "in data set", "in table", "in file", "in total", "in all", "overall",
    "are", "is", "were", "was", "do we have", "do i have", "have we", "exist", "exists", "of all",
    "for all", "among all", "across all", "all", "all of", "altogether", "on record", "in csv",
    "in spreadsheet", "from dataset", "from data", "from table", "of data", "in database",
    "recorded", "does data have", "does dataset have", "does table have", "does file have",
    "does data contain", "does dataset contain", "does table contain", "does file contain",
    "in whole dataset", "in entire dataset", "listed", "of dataset", "of table", "exactly",
)  # fmt: skip
GENERIC_ROWS = phrases(
    "rows", "row", "records", "record", "entries", "entry", "observations", "observation",
    "data points", "datapoints", "lines", "cases", "instances", "samples", "examples", "items",
    "tuples",
)  # fmt: skip
USUAL_ROWS = phrases(*words(
    "passengers customers clients patients employees students respondents participants applicants "
    "borrowers members cars vehicles houses homes flights orders transactions games matches movies "
    "films songs books players"
))  # fmt: skip
"""What a row may stand for in a table that does not say it.

Not people, cities or products: a table often counts those in a column, not in rows.
"""

COUNTING = phrases("how many", "number of", "count of", "count", "total number of", "total count of",
                   "quantity of", "amount of")  # fmt: skip
HOW_MANY = phrases("how many")
DISTINCT = phrases("distinct", "different", "unique", "distinct values of", "unique values of",
                   "different values of", "distinct values in", "unique values in",
                   "different values in", "possible", "possible values of", "different kinds of",
                   "kinds of", "types of", "different types of", "values of",
                   "distinct values for", "unique values for", "different values for",
                   "values are in", "distinct values are in", "unique values are in",
                   "different values are in", "values does", "unique values does",
                   "distinct values does", "different values does", "sorts of",
                   )  # fmt: skip
VALUES_TAIL = phrases("values", "value", "categories", "levels", "have", "has", "options")

AGGREGATES: Mapping[Function, Phrases] = {
    "avg": phrases("average", "avg", "mean", "averaged", "average value", "mean value"),
    "median": phrases("median", "median value"),
    "sum": phrases("total", "sum", "sum total", "combined", "total sum", "summed", "overall total"),
    "min": phrases("minimum", "min", "lowest", "cheapest", "smallest", "least", "minimal", "shortest",
                   "lowest value", "smallest value", "minimum value"),
    "max": phrases("maximum", "max", "most expensive", "highest", "largest", "greatest", "biggest", "maximal",
                   "longest", "highest value", "largest value", "maximum value", "top"),
    "std": phrases("standard deviation", "std", "stdev", "std dev", "stddev", "std deviation"),
    "var": phrases("variance",),
}  # fmt: skip
FIRST_TIME = phrases("earliest", "first", "oldest", "minimum", "min")
LAST_TIME = phrases("latest", "last", "most recent", "newest", "maximum", "max")
RANGE = phrases("range", "range of values", "min and max", "minimum and maximum",
                "lowest and highest", "smallest and largest", "max and min", "maximum and minimum",
                "highest and lowest")  # fmt: skip
TIME_RANGE = phrases(
    "date range", "time range", "time span", "timespan", "period", "time period", "dates covered",
    "date range covered", "time range covered", "time period covered",
)  # fmt: skip
COVERS = phrases("does data cover", "does dataset cover", "does table cover", "covered", "is covered",
                 "covered by data", "does this data cover", "does data span")  # fmt: skip

HIGHEST = phrases("highest", "largest", "greatest", "biggest", "maximum", "max", "top", "most",
                  "longest")  # fmt: skip
LOWEST = phrases("lowest", "smallest", "least", "fewest", "minimum", "min", "shortest")
MOST_COMMON = phrases("most common", "most frequent", "most popular", "most often", "commonest",
                      "most frequently occurring", "most commonly occurring")  # fmt: skip
LEAST_COMMON = phrases("least common", "least frequent", "rarest", "least popular",
                       "least frequently occurring")  # fmt: skip
OCCURS_MOST = phrases("occurs most often", "appears most often", "occurs most", "appears most",
                      "occurs most frequently", "appears most frequently",
                      "is most common", "is most frequent")  # fmt: skip
RANKED_BY = phrases("by", "with", "in terms of", "ranked by", "based on", "according to",
                    "ordered by", "sorted by", "having", "with respect to")  # fmt: skip
WHICH = phrases("which", "what")
WHO = phrases("who")
TOP = phrases("top", "first")
BOTTOM = phrases("bottom", "last")
HAS = phrases("has", "have", "had", "is", "are", "was", "were", "with", "shows", "show", "gets",
              "having", "does have", "that has", "that have", "saw")  # fmt: skip

GROUP = phrases("by", "per", "for each", "for every", "in each", "in every", "grouped by",
                "group by", "broken down by", "for each of", "within each", "of each", "of every",
                "at each", "on each", "split by", "from each", "each", "across each",
                "with each")  # fmt: skip
DISTRIBUTION = phrases("distribution of", "breakdown of", "value counts of", "frequency of",
                       "frequencies of", "counts of")  # fmt: skip
PARTS: Mapping[Part, Phrases] = {
    "year": phrases("year", "calendar year", "years"),
    "quarter": phrases("quarter", "quarters"),
    "month": phrases("month", "calendar month", "months"),
    "day": phrases("day", "date", "calendar day", "days"),
    "weekday": phrases("weekday", "day of week", "weekdays"),
    "hour": phrases("hour of day", "hour"),
}  # fmt: skip

MOVEMENT = (
    "departing from", "departed from", "departs from", "depart from", "leaving from", "leaving",
    "left from", "coming from", "came from", "originating from", "starting from", "starting in",
    "going to", "flying to", "arriving in", "arriving at", "arrived in", "arrived at",
    "heading to", "headed to", "bound for", "destined for", "went to", "go to", "goes to",
    "fly to", "flies to", "flew to", "flew from", "fly from", "went from", "go from", "goes from", "flies from", "travel to", "traveled to",
)  # fmt: skip
PLACED = (
    "live in", "lives in", "lived in", "living in", "live on", "lives on", "lived on", "living on",
    "reside in", "residing in", "work in", "works in", "working in", "worked in", "work at",
    "observed in", "observed on", "recorded in", "recorded on", "measured in", "measured on",
    "collected in", "sampled in", "placed in", "placed on", "placed by", "placed from",
    "took place in", "happened in", "happened on", "occurred in", "located in", "located on",
    "based in", "found in", "found on",
)  # fmt: skip
"""Verbs that say no more than that something is so, there or then."""

CONNECTORS = phrases(
    *MOVEMENT,
    *PLACED,
    "with", "where", "whose", "who", "that", "which", "having", "have", "has", "had", "for", "in",
    "of", "from", "among", "on", "at", "when", "are", "is", "was", "were", "and", "but", "to",
    "whose", "do", "did", "does", "by", "within", "if", "given", "only", "into", "belong to",
    "belonging to", "considering only", "for which", "in which", "during", "between",
)  # fmt: skip
PLAIN_CONNECTORS = phrases(
    *MOVEMENT,
    *PLACED,
    "with", "where", "whose", "for", "in", "of", "from", "among", "on", "at", "when", "and", "but",
    "to", "having", "who are", "that are", "which are", "who is", "that is", "who", "that", "which",
    "who have", "that have", "which have", "that has", "who were", "that were", "who had",
    "which were", "only", "by", "within", "belonging to", "for which", "during",
)  # fmt: skip
"""Connectors without the verb that parts a share's whole from its part."""

FINITE = phrases("are", "is", "was", "were", "have", "has", "had", "do", "did", "does",
                 "belong to", "come from", "fall in")  # fmt: skip
NOT = phrases("not", "are not", "is not", "was not", "were not", "did not", "do not", "does not",
              "never", "have not", "has not", "had not", "non", "who did not",
              "that did not", "who are not", "that are not", "that is not", "who do not",
              "other than", "excluding", "except", "except for", "outside", "outside of",
              "not in", "not from", "are not in", "are not from", "is not in",
              "were not from")  # fmt: skip
EQUALS = phrases("is", "are", "was", "were", "=", "==", "equals", "equal to", "is equal to", "of",
                 "being", "equal", "set to", "as", "in", "is in", "are in", "named", "called",
                 "is either", "either", "is one of")  # fmt: skip
EQUALS_NUMBER = phrases("is", "are", "was", "were", "=", "==", "equals", "equal to", "is equal to",
                        "of", "being", "equal", "set to", "number")  # fmt: skip
UNEQUAL = phrases("is not", "are not", "was not", "were not", "!=", "<>", "not equal to",
                  "is not equal to", "other than", "not", "not in", "is not in", "is other than",
                  "does not equal", "different from", "is different from")  # fmt: skip
COMPARISONS: Mapping[Operator, Phrases] = {
    "gt": phrases(">", "above", "over", "more than", "greater than", "higher than", "larger than",
                  "exceeding", "exceeds", "bigger than", "longer than", "exceed", "in excess of",
                  "is above", "is over", "is more than", "is greater than", "is higher than",
                  "greater", "larger", "was above", "was over", "was more than", "are above",
                  "was greater than", "are over", "are more than", "are greater than",
                  "is larger than", "were over", "were above"),
    "ge": phrases(">=", "at least", "no less than", "not less than", "greater than or equal to",
                  "more than or equal to", "is at least", "minimum of", "or more", "from",
                  "was at least", "are at least", "no fewer than",
                  "is greater than or equal to", "not below", "is not below"),
    "lt": phrases("<", "below", "under", "less than", "lower than", "smaller than", "fewer than",
                  "shorter than", "is below", "is under", "is less than", "is lower than",
                  "was below", "was under", "was less than", "are below", "are under",
                  "are less than", "is smaller than", "were under", "were below"),
    "le": phrases("<=", "at most", "no more than", "not more than", "less than or equal to",
                  "up to", "is at most", "maximum of", "was at most", "are at most",
                  "is less than or equal to", "not above", "is not above", "no greater than"),
}  # fmt: skip
AFTER_NUMBER: Mapping[Operator, Phrases] = {
    "ge": phrases("or more", "or above", "or greater", "or higher", "or over", "and above",
                  "or larger", "and over", "or older", "and older"),
    "le": phrases("or less", "or fewer", "or below", "or lower", "or under", "and below",
                  "or smaller", "and under", "or younger", "and younger"),
}  # fmt: skip
BETWEEN = phrases("between", "is between", "are between", "was between", "from", "is from",
                  "ranging from", "were between", "in range")  # fmt: skip
TO = phrases("and", "to", "through", "until")
AND = phrases("and", ",", "&")
OR = phrases("or", "and", ",", "and or")
OF = phrases("of", "for", "in", "value of", "value for", "values of", "values in", "value in",
             "values for", "of column", "of all", "from", "across")  # fmt: skip
MISSING = phrases("missing", "null", "empty", "blank", "na", "nan", "unknown", "not known",
                  "not given", "not available", "not recorded", "nulls", "undefined")  # fmt: skip
IS_MISSING = phrases("is", "are", "was", "were", "has", "being")
PRESENT = phrases("not missing", "not null", "present", "known", "not empty", "not blank",
                  "available", "filled", "not unknown", "given", "recorded",
                  "non missing", "non null")  # fmt: skip
WITHOUT = phrases("without", "no", "have no", "has no", "with no", "lack", "lacking", "lacks",
                  "had no", "that have no")  # fmt: skip
MISSING_CELLS = phrases("missing values", "missing value", "missing entries", "missing cells",
                        "nulls", "null values", "empty values", "empty cells", "blank values",
                        "nas", "nans", "blanks", "missing data points", "missings",
                        "values missing", "values are missing", "values are null",
                        "entries are missing", "cells are missing")  # fmt: skip
COLUMNS = phrases("columns", "variables", "features", "fields", "attributes")
PERCENT = phrases("percentage of", "percent of", "% of", "share of", "what percentage of",
                  "what percent of", "what % of", "what share of", "percentage", "in percent",
                  "proportion in percent of", "percentages of", "share in percent of",
                  "per cent of", "what per cent of", "% share of", "percentage share of")  # fmt: skip
FRACTION = phrases("fraction of", "proportion of", "what fraction of", "what proportion of")
CONTAINS: Mapping[Operator, Phrases] = {
    "contains": phrases("contains", "contain", "containing", "includes", "including", "include"),
    "starts": phrases("starts with", "begins with", "starting with", "beginning with",
                      "start with", "begin with"),
    "ends": phrases("ends with", "ending with", "ending in", "ends in", "end with"),
}  # fmt: skip
TIMES = phrases("how many times does", "how many times did", "how many times do",
                "how often does", "how often do", "how often did", "how many times is",
                "how often is")  # fmt: skip
OCCUR = phrases(
    "occur", "occurring", "appear", "occurs", "appears", "happen", "show up", "used", "present"
)
EXISTS = phrases("are there", "is there", "exist", "exists", "do we have", "occur", "appear",
                 "are", "are present", "are in data", "are in dataset", "are included",
                 "are available", "are listed", "are recorded",
                 "are used", "are represented")  # fmt: skip
LISTING = phrases("list", "list all", "show all", "show", "show me", "show me all", "give me all",
                  "find all", "find", "display all", "get all", "display", "which")  # fmt: skip

BEFORE = phrases("before", "prior to", "earlier than", "until", "is before", "was before")
AFTER = phrases("after", "later than", "is after", "was after")
SINCE = phrases("since", "from", "starting from", "starting in", "on or after", "beginning in")
UP_TO = phrases("through", "up to", "on or before", "up to and including", "by")
DURING = phrases(*PLACED, "in", "on", "during", "of", "for", "from", "at", "is", "is in", "is on", "was in",
                 "was on", "within", "are in", "were in", "in year", "in month of",
                 "for year")  # fmt: skip
COLUMN_WORDS = frozenset({"column", "variable", "field", "feature", "attribute"})
MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS: Mapping[str, str] = {
    name: day for day in calendar.WEEKDAYS for name in (day.lower(), day.lower() + "s")
}
QUARTERS: Mapping[str, int] = {
    "q1": 1, "q2": 2, "q3": 3, "q4": 4, "first": 1, "second": 2, "third": 3, "fourth": 4,
}  # fmt: skip
NUMBERS: Mapping[str, int] = {
    word: number
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}

MONEY_UNITS = phrases("dollars", "dollar", "usd", "euros", "euro", "eur", "pounds")
AGE_UNITS = phrases("years old", "years", "year old", "years of age")

SUPERLATIVES: Mapping[str, tuple[str, bool]] = {
    "oldest": ("old", True), "youngest": ("young", True), "cheapest": ("cheap", True),
    "heaviest": ("heavy", True), "lightest": ("light", True), "tallest": ("tall", True),
    "priciest": ("expensive", True),
}  # fmt: skip
VERBS: Mapping[str, str] = {
    "cost": "expensive", "costs": "expensive", "costing": "expensive", "weigh": "heavy",
    "weighs": "heavy", "weighed": "heavy", "weighing": "heavy",
}  # fmt: skip
COMPARATIVES: Mapping[str, tuple[str, bool]] = {
    "older": ("old", True), "younger": ("young", True), "cheaper": ("cheap", True),
    "heavier": ("heavy", True), "lighter": ("light", True), "taller": ("tall", True),
}  # fmt: skip

REFUSED: Mapping[str, Phrases] = {
    "why something is so": phrases("why", "reason", "reasons", "cause", "causes", "because",
                                   "explain", "how come"),
    "what will be": phrases("predict", "forecast", "will", "next year", "next month", "next week",
                            "future", "expect", "expected", "would", "projected", "tomorrow"),
    "how things hang together": phrases("correlation", "correlated", "relationship", "depend",
                                        "affect", "impact", "influence", "regression",
                                        "associated", "drives", "related"),
    "what should be done": phrases("should", "recommend", "suggest", "best way", "advice",
                                   "better", "best", "worst"),
    "changes of the data": phrases("delete", "drop", "insert", "update", "alter", "create",
                                   "truncate", "remove", "add", "set", "write", "grant"),
    "other tables or files": phrases("join", "joined", "merge", "other table", "another table",
                                     "file", "files", "attach", "copy", "import", "read",
                                     "union", "select", "pragma", "passwd", "url", "http"),
    "trends or comparisons": phrases("trend", "trends", "compare", "compared", "comparison",
                                     "growth", "change", "increase", "decrease", "difference",
                                     "versus", "vs", "over time"),
    "times that depend on today": phrases("today", "yesterday", "last year", "last month",
                                          "last week", "this year", "this month", "this week",
                                          "ago", "recently", "now", "currently"),
}  # fmt: skip
"""What is asked for in vain → the words that ask for it."""


def _words_of(table: Mapping[Any, object]) -> Iterable[str]:
    for value in table.values():
        if isinstance(value, Mapping):
            yield from _words_of(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], tuple):
            yield from chain.from_iterable(value)


FUNCTION_WORDS = NOISE | frozenset(
    chain(
        chain.from_iterable(
            _words_of(table)
            for table in (
                PREFACE, FILLERS, GENERIC_ROWS, COUNTING, DISTINCT, VALUES_TAIL, AGGREGATES, RANGE,
                FIRST_TIME, LAST_TIME, HIGHEST, LOWEST, MOST_COMMON, LEAST_COMMON, RANKED_BY,
                WHICH, WHO, TOP, BOTTOM, HAS, GROUP, CONNECTORS, FINITE, NOT, EQUALS, UNEQUAL,
                COMPARISONS, BETWEEN, TO, OR, OF, MISSING, PRESENT, WITHOUT, MISSING_CELLS,
                PERCENT, FRACTION, CONTAINS, BEFORE, AFTER, SINCE, DURING, EXISTS,
            )
        ),
        words("it is not no all any some every each other"),
    )
)  # fmt: skip
"""Words that are grammar first: alone they name no value and are never a misspelt column."""

KNOWN_WORDS = FUNCTION_WORDS | frozenset(
    chain(
        MONTHS, WEEKDAYS, QUARTERS, NUMBERS, SUPERLATIVES, COMPARATIVES, VERBS, COLUMN_WORDS,
        chain.from_iterable(
            _words_of(table)
            for table in (PARTS, TIME_RANGE, COVERS, USUAL_ROWS, COLUMNS, TIMES, OCCUR, LISTING,
                          OCCURS_MOST, DISTRIBUTION, MONEY_UNITS, AGE_UNITS, AFTER_NUMBER)
        ),
    )
)  # fmt: skip
"""Every word that some rule can use."""
