"""What every section of a cohort spec shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """What all sections share: frozen, no unknown field, no coercion of types, no infinity, fields with docstrings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A probability."""


def ordered(ends: tuple[float, float]) -> tuple[float, float]:
    """Returns a range, or refuses one whose ends are swapped (`ValueError`, which becomes a violation).

    Args:
        ends: Lowest and highest.
    """
    if ends[0] > ends[1]:
        raise ValueError("must name the lowest end first")
    return ends
