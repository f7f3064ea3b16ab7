"""The table of a data set's subjects."""

from collections.abc import Sequence
from typing import Final

from gliosynth.cohort.plain import to_json
from gliosynth.cohort.summary import CaseSummary

COLUMNS: Final[dict[str, dict[str, object]]] = {
    "participant_id": {"Description": "Subject label; every subject is synthetic"},
    "anatomy_donor": {"Description": "Label map that the head was deformed from"},
    "field_strength": {
        "Description": "Simulated field strength; where a network painted the images, of those it painted from",
        "Units": "T",
    },
    "growth": {"Description": "Kind of growth of the tumour, n/a without one"},
    "volume_wt": {"Description": "Volume of the whole tumour (NCR, ED, ET)", "Units": "ml"},
    "volume_tc": {"Description": "Volume of the tumour core (NCR, ET)", "Units": "ml"},
    "volume_et": {"Description": "Volume of the enhancing tumour (ET)", "Units": "ml"},
    "volume_brain": {"Description": "Volume of the brain mask", "Units": "ml"},
    "rejected_draws": {"Description": "Draws that the gate refused before this one was accepted"},
}
"""Columns of ``participants.tsv`` and what ``participants.json`` says of them."""

MISSING: Final = "n/a"
"""BIDS's word for a value that does not exist."""


def participants_tsv(summaries: Sequence[CaseSummary]) -> bytes:
    """Returns the table, one row for each case in the order given."""
    rows = ["\t".join(COLUMNS), *("\t".join(_row(summary)) for summary in summaries)]
    return ("\n".join(rows) + "\n").encode()


def participants_json() -> bytes:
    """Returns the description of the columns."""
    return to_json(COLUMNS)


def growth_of(summary: CaseSummary) -> str:
    """Returns the kind of growth of a case's tumour, or `MISSING` without one."""
    plan = _part(summary.facts.parameters, "plan")
    growth = _part(plan, "growth")
    return growth if isinstance(growth, str) else MISSING


def field_of(summary: CaseSummary) -> float | None:
    """Returns the field strength of a case, T."""
    tesla = _part(_part(summary.facts.parameters, "physics"), "field_tesla")
    return float(tesla) if isinstance(tesla, int | float) else None


def _row(summary: CaseSummary) -> tuple[str, ...]:
    facts, volumes, tesla = summary.facts, summary.measurement.volumes, field_of(summary)
    return (
        facts.subject,
        facts.donor,
        MISSING if tesla is None else f"{tesla:g}",
        growth_of(summary),
        f"{volumes.wt_ml:.3f}",
        f"{volumes.tc_ml:.3f}",
        f"{volumes.et_ml:.3f}",
        f"{volumes.brain_ml:.1f}",
        str(len(facts.rejects)),
    )


def _part(value: object, name: str) -> object:
    """Returns a field of plain JSON, or None where there is none."""
    return value.get(name) if isinstance(value, dict) else None
