"""Under which licences a cohort leaves: the anatomies' of the library, and whatever the caller's own maps allow."""

from importlib.resources import files

from gliosynth.cohort.spec.cohort import CohortSpec


def uses_built_in(spec: CohortSpec) -> bool:
    """Returns whether a cohort uses anatomies that ship with the library."""
    return bool(spec.anatomies.built_in) or not spec.anatomies.own


def licence_of(spec: CohortSpec) -> str:
    """Returns the licence line of the data set's description."""
    parts = ["Apache-2.0 (anatomies that ship with gliosynth; see LICENSE and NOTICE)"] if uses_built_in(spec) else []
    if spec.anatomies.own:
        parts.append("terms of the owner's own label maps (see NOTICE)")
    return "; ".join(parts)


def licence_files(spec: CohortSpec) -> dict[str, bytes]:
    """Returns the licence and notice files at the data set's root."""
    if not uses_built_in(spec):
        return {"NOTICE": _own_notice(spec).encode()}
    folder = files("gliosynth.anatomies")
    notice = folder.joinpath("NOTICE").read_text(encoding="utf-8")
    own = f"\n{_own_notice(spec)}" if spec.anatomies.own else ""
    return {"LICENSE": folder.joinpath("LICENSE").read_bytes(), "NOTICE": f"{notice.rstrip()}\n{own}".encode()}


def _own_notice(spec: CohortSpec) -> str:
    """Returns what the notice says of label maps that the caller brought."""
    names = ", ".join(own.id for own in spec.anatomies.own)
    return (
        f"Label maps of the data set's owner ({names}) were used as anatomies. The owner answers for the right to do\n"
        "so and for their terms.\n"
    )
