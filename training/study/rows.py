"""Scores of a study, one row per arm, seed, case and region, and their CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidInputError
from gliosynth.labels import REGIONS, Region


class Metric(StrEnum):
    """The four metrics of paper 002, table three; the value is the CSV's column."""

    DSC = "dsc"
    """Dice; both empty 1, one empty 0."""
    SENSITIVITY = "sensitivity"
    """Share of the reference that was found; both empty 1, one empty 0."""
    SPECIFICITY = "specificity"
    """Inside the bounding box of the brain: over a whole volume it is near 1 for any network (METHODS D.2)."""
    HD95 = "hd95_mm"
    """95th percentile Hausdorff distance in mm, under the study's named definition."""


METRIC_TITLES: Final = MappingProxyType(
    {Metric.DSC: "DSC", Metric.SENSITIVITY: "Sens.", Metric.SPECIFICITY: "Spec.", Metric.HD95: "HD95 (mm)"}
)
"""What the metrics are called in tables, as in the paper."""

DECIMALS: Final = MappingProxyType({Metric.DSC: 3, Metric.SENSITIVITY: 3, Metric.SPECIFICITY: 3, Metric.HD95: 1})
"""Digits after the point, as the paper prints them; "best" is decided on what is printed."""

LOWER_IS_BETTER: Final = frozenset({Metric.HD95})
"""Metrics of which the smallest value is the best."""

PAPER_REGIONS: Final = (Region.ET, Region.WT, Region.TC)
"""Order of the regions in the paper's table."""


@dataclass(frozen=True)
class CaseRow:
    """Scores of one region of one held-out case under one arm and seed.

    Attributes:
        arm: Name of the arm.
        seed: Seed of its networks.
        case: Name of the case.
        region: Region.
        dsc: Dice, 0 to 1.
        sensitivity: 0 to 1.
        specificity: Inside the brain's bounding box, 0 to 1.
        specificity_volume: Over the whole volume, 0 to 1, as the paper counts it.
        hd95_mm: In mm.
        one_empty: Whether exactly one of reference and prediction is empty: `hd95_mm` is then a penalty, no distance.
        reference_ml: Volume of the reference.
        prediction_ml: Volume of the prediction.
    """

    arm: str
    seed: int
    case: str
    region: Region
    dsc: float
    sensitivity: float
    specificity: float
    specificity_volume: float
    hd95_mm: float
    one_empty: bool
    reference_ml: float
    prediction_ml: float


def to_csv(rows: Iterable[CaseRow]) -> str:
    """Returns the rows as CSV with a header; floats are written so that reading gives them back exactly."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(CaseRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**asdict(row), "region": str(row.region), "one_empty": int(row.one_empty)} for row in rows)
    return buffer.getvalue()


def read_rows(path: Path) -> tuple[CaseRow, ...]:
    """Returns the rows of a file that `to_csv` filled.

    Raises:
        InvalidInputError: A column is missing or a value does not parse.
    """
    with path.open(newline="") as file:
        try:
            return tuple(_parse(line) for line in csv.DictReader(file))
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidInputError(
                f"{path}: not a table of case scores ({error!r}); give a cases.csv that the study wrote", field="cases"
            ) from error


def score_matrix(rows: Sequence[CaseRow], arm: str, region: Region, metric: Metric) -> NDArray[np.float64]:
    """Returns the scores of one arm, region and metric as ``(seeds, cases)``, both sorted.

    Raises:
        InvalidInputError: A seed lacks a case, or has it twice: means over different cases must not be compared.
    """
    chosen = {
        (row.seed, row.case): float(getattr(row, metric)) for row in rows if (row.arm, row.region) == (arm, region)
    }
    seeds, cases = sorted({seed for seed, _ in chosen}), case_names(rows)
    given = sum((row.arm, row.region) == (arm, region) for row in rows)
    if not chosen or len(chosen) != len(seeds) * len(cases) or given != len(chosen):
        raise InvalidInputError(
            f"arm {arm}, {region}: {given} scores of {len(seeds)} seeds and {len(cases)} cases; every seed needs every"
            " case once: evaluate the missing ones",
            field=arm,
        )
    return np.array([[chosen[seed, case] for case in cases] for seed in seeds])


def case_names(rows: Iterable[CaseRow]) -> tuple[str, ...]:
    """Returns the names of all cases, sorted."""
    return tuple(sorted({row.case for row in rows}))


def arm_names(rows: Iterable[CaseRow]) -> tuple[str, ...]:
    """Returns the names of the arms in the order of their first row; the first is the base."""
    return tuple(dict.fromkeys(row.arm for row in rows))


def regions_of(rows: Iterable[CaseRow]) -> tuple[Region, ...]:
    """Returns the regions that were scored, in the paper's order."""
    scored = {row.region for row in rows}
    return tuple(region for region in PAPER_REGIONS if region in scored)


def _parse(line: dict[str, str]) -> CaseRow:
    numbers = {field.name: float(line[field.name]) for field in fields(CaseRow) if field.type is float}
    region = Region(line["region"])
    if region not in REGIONS or not all(np.isfinite(value) for value in numbers.values()):
        raise ValueError(line)
    return CaseRow(
        arm=line["arm"],
        seed=int(line["seed"]),
        case=line["case"],
        region=region,
        one_empty=bool(int(line["one_empty"])),
        **numbers,
    )
