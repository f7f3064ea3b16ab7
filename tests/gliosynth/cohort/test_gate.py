"""The gate: real draws pass, and each way of breaking one is noticed by its own rule."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.anatomy import BRAIN_CSF, PARENCHYMA, load_anatomy
from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.gate import Finding, judge_case, roc_area
from gliosynth.cohort.measurement import measure_case
from gliosynth.cohort.recipe import generator_of, settings_of
from gliosynth.cohort.spec import CohortSpec
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Label, LabelMap, Mask

if TYPE_CHECKING:
    from conftest import SmallSpec


class Reader:
    """A segmenter that answers with labels it was given, and counts how often it was asked."""

    digest = "reader@sha256:0"

    def __init__(self, labels: LabelMap) -> None:
        self.labels = labels
        self.calls = 0

    def __call__(self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> LabelMap:
        assert contrasts.shape == (4, *brain.shape)
        self.calls += 1
        return self.labels


def judged(case: SimulatedCase, spec: CohortSpec, reader: Reader | None = None) -> dict[str, Finding]:
    """Returns the findings of a case by rule."""
    measurement = measure_case(case.contrasts, case.labels, case.brain, case.tissues, spacing_mm=case.spacing_mm)
    findings = judge_case(case, measurement, thresholds=spec.gate, volume_ml=spec.tumour.volume_ml, segment=reader)
    return {finding.rule: finding for finding in findings}


def failed(findings: dict[str, Finding]) -> set[str]:
    return {rule for rule, finding in findings.items() if not finding.passed}


@pytest.fixture(scope="module")
def ring_spec(small_spec: "SmallSpec") -> CohortSpec:
    """Large ring-enhancing tumours: every rule applies."""
    return small_spec(
        seed=12,
        tumour={
            "growth": {"ring": 1},
            "small_share": 0.0,
            "faint_oedema_share": 0.0,
            "volume_ml": {"median": 110.0, "log_sd": 0.1},
        },
        gate={"attempts": 2},
    )


SIGNALS = {
    "white": (1.0, 1.0, 1.0, 1.0),
    "grey": (0.75, 0.8, 1.25, 1.1),
    "fluid": (0.4, 0.4, 2.8, 0.3),
    Label.NCR: (0.5, 0.6, 2.4, 1.3),
    Label.ED: (0.8, 0.85, 1.7, 1.5),
    Label.ET: (0.75, 1.4, 1.7, 1.45),
}
"""Signals of t1n, t1c, t2w, t2f relative to white matter, as measured on real gliomas (METHODS.md C.2)."""


@pytest.fixture(scope="module")
def ring(ring_spec: CohortSpec) -> SimulatedCase:
    """A simulated ring whose images are painted anew with `SIGNALS`, so that its ratios are known."""
    case = simulate_case(load_anatomy("head_03"), settings=settings_of(ring_spec), rng=generator_of(ring_spec, 0, 0))
    grey = np.isin(case.tissues, [tissue for tissue in PARENCHYMA if "WHITE" not in tissue.name])
    images = np.empty_like(case.contrasts)
    noise = np.random.default_rng(1).normal(0.0, 0.03, images.shape)
    for number, image in enumerate(images):
        image[:] = SIGNALS["white"][number]
        image[grey] = SIGNALS["grey"][number]
        image[np.isin(case.tissues, BRAIN_CSF)] = SIGNALS["fluid"][number]
        for label in (Label.NCR, Label.ED, Label.ET):
            image[case.labels == label] = SIGNALS[label][number]
    return dataclasses.replace(case, contrasts=np.where(case.brain, images + noise, 0.0).astype(np.float32))


def test_a_good_case_passes_every_rule(ring: SimulatedCase, ring_spec: CohortSpec) -> None:
    """All rules apply to a large ring, and none fails."""
    findings = judged(ring, ring_spec, Reader(ring.labels))
    assert failed(findings) == set()
    assert set(findings) == {
        "BRAIN_VOLUME_ML",
        "FLUID_BRIGHT_IN_T2",
        "TUMOUR_NOT_TOO_SMALL_ML",
        "TUMOUR_NOT_TOO_LARGE_ML",
        "OEDEMA_BRIGHT_IN_FLAIR",
        "TUMOUR_BRIGHT_IN_T2",
        "ENHANCING_TUMOUR_ENHANCES",
        "SIGNALS_BELIEVABLE",
        "TUMOUR_INSIDE_TISSUE",
        "LABELS_MATCH_IMAGES",
        "SEGMENTER_AGREES",
    }
    assert findings["SEGMENTER_AGREES"].value == 1.0


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        ([0, 1, 0, 3], "FLUID_BRIGHT_IN_T2"),
        ([0, 1, 2, 0], "OEDEMA_BRIGHT_IN_FLAIR"),
        ([0, 0, 2, 3], "ENHANCING_TUMOUR_ENHANCES"),
    ],
)
def test_a_contrast_in_the_place_of_another_is_noticed(
    ring: SimulatedCase, ring_spec: CohortSpec, order: list[int], rule: str
) -> None:
    """T1 instead of T2, FLAIR or T1c breaks the rule of that contrast."""
    broken = dataclasses.replace(ring, contrasts=ring.contrasts[order])
    assert rule in failed(judged(broken, ring_spec))


def test_a_tumour_that_is_dark_in_t2_is_noticed(ring: SimulatedCase, ring_spec: CohortSpec) -> None:
    """Half the T2 signal in the tumour breaks the rule of its T2."""
    contrasts = ring.contrasts.copy()
    contrasts[2][ring.labels > 0] *= 0.4
    assert "TUMOUR_BRIGHT_IN_T2" in failed(judged(dataclasses.replace(ring, contrasts=contrasts), ring_spec))


def test_labels_beside_their_tumour_are_noticed(ring: SimulatedCase, ring_spec: CohortSpec) -> None:
    """Labels mirrored to the other side lie where nothing is bright; labels in the air lie outside the brain."""
    mirrored = dataclasses.replace(ring, labels=np.ascontiguousarray(ring.labels[::-1]))
    assert "LABELS_MATCH_IMAGES" in failed(judged(mirrored, ring_spec))
    air = np.zeros_like(ring.labels)
    air[:3, :20, :20] = Label.ED
    assert "TUMOUR_INSIDE_TISSUE" in failed(judged(dataclasses.replace(ring, labels=air), ring_spec))


def test_the_roc_area_is_the_share_of_pairs_in_order() -> None:
    """Of the six pairs of (2, 5) and (1, 2, 3), four are in order and one is a tie; nothing to compare is 0.5."""
    positive, negative = np.array([2.0, 5.0], dtype=np.float32), np.array([3.0, 1.0, 2.0], dtype=np.float32)
    assert roc_area(positive, negative) == 4.5 / 6.0
    assert roc_area(negative, positive) == 1.5 / 6.0
    assert roc_area(positive, negative[:0]) == 0.5


def test_a_segmenter_that_finds_something_else_refuses(ring: SimulatedCase, ring_spec: CohortSpec) -> None:
    """An empty answer has Dice 0."""
    findings = judged(ring, ring_spec, Reader(np.zeros_like(ring.labels)))
    assert failed(findings) == {"SEGMENTER_AGREES"}
    assert findings["SEGMENTER_AGREES"].value == 0.0


def test_the_segmenter_is_spared_what_is_refused_without_it(ring: SimulatedCase, small_spec: "SmallSpec") -> None:
    """Volumes are looked at first, and small tumours are not given to the segmenter at all."""
    reader = Reader(ring.labels)
    narrow = small_spec(tumour={"volume_ml": {"median": 5.0, "largest": 6.0}})
    findings = judged(ring, narrow, reader)
    assert failed(findings) == {"TUMOUR_NOT_TOO_LARGE_ML"}
    assert "TUMOUR_BRIGHT_IN_T2" not in findings
    lenient = small_spec(gate={"segment_smallest_ml": 250.0})
    assert "SEGMENTER_AGREES" not in judged(ring, lenient, reader)
    assert reader.calls == 0


def test_a_tumour_free_case_must_have_no_label(small_spec: "SmallSpec") -> None:
    """Without a tumour only the brain and the empty label map are judged."""
    spec = small_spec(tumour={"free_share": 1.0})
    case = simulate_case(load_anatomy("head_03"), settings=settings_of(spec), rng=generator_of(spec, 0, 0))
    assert set(judged(case, spec)) == {"BRAIN_VOLUME_ML", "FLUID_BRIGHT_IN_T2", "TUMOUR_FREE_HAS_NO_LABEL"}
    assert failed(judged(case, spec)) == set()
    labels = case.labels.copy()
    labels[20, 20, 20] = Label.ET
    assert failed(judged(dataclasses.replace(case, labels=labels), spec)) == {"TUMOUR_FREE_HAS_NO_LABEL"}


def test_the_manifest_names_the_segmenter_and_its_agreement(ring_spec: CohortSpec) -> None:
    """A case that the segmenter read says so; a segmenter that never agrees ends the case with that reason."""
    anatomies = SpecAnatomies(ring_spec)

    class Truth(Reader):
        def __call__(
            self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]
        ) -> LabelMap:
            bright = contrasts[3] > 1.4 * np.median(contrasts[3][brain])
            return np.where(bright, np.uint8(Label.ED), np.uint8(0))

    empty = np.zeros(ring_spec.grid.shape, dtype=np.uint8)
    case = make_case(ring_spec, 0, anatomies=anatomies, segment=Truth(empty), check=lambda: None)
    assert case.summary.facts.segmenter == "reader@sha256:0"
    assert any(finding.rule == "SEGMENTER_AGREES" for finding in case.summary.facts.findings)
    with pytest.raises(InvalidParameterError, match="SEGMENTER_AGREES 2x"):
        make_case(ring_spec, 0, anatomies=anatomies, segment=Reader(empty), check=lambda: None)
