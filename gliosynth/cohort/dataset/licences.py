"""Under which licences a cohort leaves: the anatomies' of the library, and whatever the caller's own maps allow."""

from importlib.resources import files
from typing import Final

from gliosynth.cohort.spec.cohort import CohortSpec

PICTURES: Final = (
    "The pictures of real cases are in report.html alone, framed and marked as real; no image, label or mask of this\n"
    "data set holds anything of them."
)
"""Where the notice's real cases are."""


def uses_built_in(spec: CohortSpec) -> bool:
    """Returns whether a cohort uses anatomies that ship with the library."""
    return bool(spec.anatomies.built_in) or not spec.anatomies.own


def licence_of(spec: CohortSpec) -> str:
    """Returns the licence line of the data set's description."""
    parts = ["Apache-2.0 (anatomies that ship with gliosynth; see LICENSE and NOTICE)"] if uses_built_in(spec) else []
    if spec.anatomies.own:
        parts.append("terms of the owner's own label maps (see NOTICE)")
    return "; ".join([*parts, "CC BY 3.0 and 4.0 for the pictures of real cases in report.html (see NOTICE)"])


def licence_files(spec: CohortSpec) -> dict[str, bytes]:
    """Returns the licence and notice files at the data set's root."""
    folder = files("gliosynth.anatomies")
    parts = [folder.joinpath("NOTICE").read_text(encoding="utf-8")] if uses_built_in(spec) else []
    if spec.anatomies.own:
        parts.append(_own_notice(spec))
    parts.append(files("gliosynth.report").joinpath("real_cases", "NOTICE").read_text(encoding="utf-8"))
    notice = {"NOTICE": "\n\n".join(part.strip() for part in (*parts, PICTURES)).encode() + b"\n"}
    if not uses_built_in(spec):
        return notice
    return {"LICENSE": folder.joinpath("LICENSE").read_bytes(), **notice}


def _own_notice(spec: CohortSpec) -> str:
    """Returns what the notice says of label maps that the caller brought."""
    names = ", ".join(own.id for own in spec.anatomies.own)
    return (
        f"Label maps of the data set's owner ({names}) were used as anatomies. The owner answers for the right to do\n"
        "so and for their terms.\n"
    )
