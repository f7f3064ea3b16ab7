"""``gliosynth cohort create --local``: the same code as a server's, in child processes that live for this command."""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path

from gliosynth.cli.cohort_views import download_bar, watch_with_bar
from gliosynth.cli.connection import default_model_repository
from gliosynth.cli.console import OUT, status
from gliosynth.client import Cohort, CohortState, EmbeddedServer, GliosynthClient
from gliosynth.cohort.lineage import generator_digest
from gliosynth.cohort.spec import parse_spec
from gliosynth.errors import InvalidParameterError, StateError

SPEC_NAME = "spec.json"
"""File in the workshop that says which cohort it is of."""


def make_locally(document: bytes, out: Path, *, workers: int, model_repository: Path | None) -> Cohort:
    """Makes a cohort on this machine into a folder and returns it; interrupted, the same call goes on.

    The work is kept beside the folder, in ``<out>.cohort``, until the data set is complete.

    Args:
        document: The spec, JSON or YAML.
        out: Empty or absent, or that of an interrupted call.
        workers: Worker processes.
        model_repository: Models of the gate; None for the default.

    Raises:
        InvalidSpecError: The spec breaks rules.
        InvalidParameterError: The folder holds something else, or the work beside it is of another spec.
        GliosynthError: The cohort cannot be made.
    """
    spec = parse_spec(document).to_json()
    workshop = out.with_name(f"{out.name}.cohort")
    _open_workshop(workshop, spec)
    models = model_repository or default_model_repository()
    if models is None:
        raise InvalidParameterError(
            "the gate needs the models: run this in the checkout, or name them with --model-repository",
            field="--model-repository",
        )
    options = (
        "--cohort-folder",
        str(workshop),
        "--cohort-workers",
        str(workers),
        "--threads",
        "1",
        "--worker-lease-s",
        "5",
    )
    with (
        status("Starting the workers"),
        EmbeddedServer.started(module="services.cohort", model_repository=models, options=options) as server,
        GliosynthClient(server.target) as client,
    ):
        request_id = hashlib.sha256(spec + generator_digest().encode()).hexdigest()
        cohort = client.cohorts.create(spec, request_id=request_id)
        with suppress(StateError):
            cohort = client.cohorts.resume(cohort.name)
        cohort = watch_with_bar(client, cohort.name)
        if cohort.state not in (CohortState.SUCCEEDED, CohortState.WITHHELD):
            return cohort
        with download_bar() as show:
            client.cohorts.download(cohort.name, out, on_progress=show)
    shutil.rmtree(workshop)
    OUT.print(str(out))
    return cohort


def _open_workshop(workshop: Path, spec: bytes) -> None:
    """Makes the folder of the work, or goes on with that of the same spec."""
    note = workshop / SPEC_NAME
    try:
        workshop.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            note.write_bytes(spec)
        if json.loads(note.read_bytes()) != json.loads(spec):
            raise InvalidParameterError(
                f"{workshop} holds the unfinished cohort of another spec: finish that one, delete the folder, or choose"
                " another --out",
                field="--out",
                got=str(workshop),
            )
    except OSError as error:
        raise InvalidParameterError(
            f"{workshop}: the work cannot be kept there ({error.strerror}); choose another --out",
            field="--out",
            got=str(workshop),
        ) from error
