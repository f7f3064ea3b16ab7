"""A labelled case segmented by the service and scored, with the threshold baseline beside it."""

from dataclasses import dataclass

import numpy as np

from gliosynth.cli.case_options import errors_name_files
from gliosynth.cli.console import progress_bar
from gliosynth.cli.segment import SegmentedCase, segment_case
from gliosynth.client import CaseFiles, CasePayload, GliosynthClient, PreprocessingResult, VolumeFile
from gliosynth.errors import InvalidCaseError, InvalidLabelError
from gliosynth.geometry import Grid, grid_of
from gliosynth.labels import CONTRASTS, LabelMap
from gliosynth.metrics import CaseScores, score_case
from gliosynth.nifti import read_label_map
from gliosynth.preprocessing.inverse import resample_labels
from gliosynth.segmentation import segment_by_threshold
from gliosynth.volume import Volume


@dataclass(frozen=True, eq=False)
class EvaluatedCase:
    """A case, its scores and those of the baseline.

    Attributes:
        segmented: The case and what the service made of it.
        reference: The expert's labels.
        baseline: The baseline's labels on the same grid.
        scores: The service's scores.
        baseline_scores: The baseline's scores.
    """

    segmented: SegmentedCase
    reference: Volume[np.uint8]
    baseline: LabelMap
    scores: CaseScores
    baseline_scores: CaseScores


def evaluate_case(client: GliosynthClient, files: CaseFiles) -> EvaluatedCase:
    """Returns a labelled case segmented and scored.

    Args:
        client: Connection to the server.
        files: Where the volumes and the labels lie.

    Raises:
        InvalidCaseError: The case has no labels.
        InvalidLabelError: The labels lie on another grid than the t1c.
        GliosynthError: As in `GliosynthClient.segment`.
    """
    if files.labels is None:
        raise InvalidCaseError(
            f"{files.case_id}: there are no labels (a name ending in _seg or -seg); only labelled cases can be scored",
            field="labels",
            reason="LABELS_MISSING",
        )
    payload = CasePayload.from_files(files)
    reference = read_label_map(VolumeFile.from_path(files.labels).data, name=files.labels.name)
    segmented = segment_case(client, files, payload)
    _check_grid(reference, segmented)
    with errors_name_files(files), progress_bar(f"{files.case_id} (baseline)") as show:
        prepared = client.preprocess(payload, on_progress=show)
    baseline = threshold_baseline(prepared, grid_of(reference))
    return EvaluatedCase(
        segmented=segmented,
        reference=reference,
        baseline=baseline,
        scores=_score(reference, segmented.result.labels.data),
        baseline_scores=_score(reference, baseline),
    )


def threshold_baseline(prepared: PreprocessingResult, grid: Grid) -> LabelMap:
    """Returns the threshold baseline of a preprocessed case on another grid.

    Args:
        prepared: The case in its 1 mm space.
        grid: Grid of the result.
    """
    contrasts = np.stack([prepared.contrasts[contrast].data for contrast in CONTRASTS])
    labels = segment_by_threshold(contrasts, prepared.brain.data > 0)
    return resample_labels(labels, grid_of(prepared.brain), grid)


def _score(reference: Volume[np.uint8], prediction: LabelMap) -> CaseScores:
    return score_case(reference.data, prediction, spacing_mm=reference.spacing_mm)


def _check_grid(reference: Volume[np.uint8], segmented: SegmentedCase) -> None:
    found = grid_of(segmented.result.labels)
    if not grid_of(reference).matches(found):
        raise InvalidLabelError(
            f"{segmented.files.labels}: the labels lie on another grid ({reference.shape}) than the t1c"
            f" ({found.shape}); resample them onto it",
            field="labels",
            got=str(reference.shape),
            reason="GRID_DIFFERS",
        )
