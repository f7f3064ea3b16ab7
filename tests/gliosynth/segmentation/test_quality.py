"""Tests of gliosynth.segmentation.quality: each remark appears when its rule is met, and only then."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.geometry import Box, Grid
from gliosynth.labels import CONTRASTS, REGIONS, Region
from gliosynth.preprocessing.record import (
    Alignment,
    BrainSource,
    CaseRecord,
    ContrastRecord,
    RegistrationRecord,
    SkullStripRecord,
)
from gliosynth.segmentation import RegionFinding, Segmentation
from gliosynth.segmentation.placement import RegionPlace
from gliosynth.segmentation.quality import QualityInput, Remark, Severity, input_remarks, result_remarks

SHAPE = (8, 8, 8)
GRID = Grid.of(SHAPE, np.eye(4))
IN_PLACE = RegistrationRecord("t1c", Alignment.LEFT_ALONE, GRID.rows, 0.1, 1.2, 1.2, 0.99, 5.0)
UNREMARKABLE = CaseRecord(
    native=GRID,
    working=GRID,
    crop=Box((0, 0, 0), SHAPE),
    contrasts=tuple(ContrastRecord(name, GRID, ("R", "A", "S"), False, 0.0, 1.0) for name in CONTRASTS),
    registrations=tuple(replace(IN_PLACE, contrast=name) for name in CONTRASTS),
    skull_strip=SkullStripRecord(BrainSource.MODEL, 1400.0, 0.0, 0.5),
)


def case(record: CaseRecord = UNREMARKABLE, agent_sd: float = 3.0) -> QualityInput:
    """A case whose t1c exceeds its t1n by some standard deviations in one per cent of the brain."""
    contrasts = np.zeros((4, *SHAPE), np.float32)
    contrasts[1].ravel()[:6] = agent_sd
    return QualityInput(contrasts, np.ones(SHAPE, np.bool_), record)


def ids(remarks: tuple[Remark, ...], severity: Severity) -> list[tuple[str, str]]:
    return [(remark.id, remark.volume) for remark in remarks if remark.severity is severity]


def with_registration(**changes: object) -> CaseRecord:
    moved = replace(UNREMARKABLE.registrations[3], **changes)
    return replace(UNREMARKABLE, registrations=(*UNREMARKABLE.registrations[:3], moved))


def test_an_unremarkable_case_has_no_warning() -> None:
    """Only where the brain mask came from is said."""
    assert ids(input_remarks(case()), Severity.WARNING) == []
    assert ids(input_remarks(case()), Severity.INFO) == [("SKULL_STRIPPED", "")]


@pytest.mark.parametrize(
    ("source", "remark"),
    [
        (BrainSource.USER_MASK, "BRAIN_MASK_GIVEN"),
        (BrainSource.ALREADY_STRIPPED, "ALREADY_STRIPPED"),
        (BrainSource.MODEL, "SKULL_STRIPPED"),
    ],
)
def test_the_source_of_the_brain_mask_is_always_said(source: BrainSource, remark: str) -> None:
    """Each source has its own remark."""
    record = replace(UNREMARKABLE, skull_strip=replace(UNREMARKABLE.skull_strip, source=source))
    assert ids(input_remarks(case(record)), Severity.INFO) == [(remark, "")]


@pytest.mark.parametrize(("brain_ml", "doubted"), [(899.0, True), (900.0, False), (2000.0, False), (2001.0, True)])
def test_a_brain_of_unlikely_size_is_doubted(brain_ml: float, doubted: bool) -> None:
    """Below 900 ml and above 2000 ml the mask should be looked at."""
    record = replace(UNREMARKABLE, skull_strip=replace(UNREMARKABLE.skull_strip, brain_ml=brain_ml))
    assert (ids(input_remarks(case(record)), Severity.WARNING) == [("BRAIN_VOLUME", "")]) is doubted


def test_a_moved_contrast_is_said_and_a_far_one_doubted() -> None:
    """10 mm is a fact, 30 mm a reason to look."""
    near = with_registration(alignment=Alignment.REGISTERED, displacement_mm=10.0)
    assert ("REGISTERED", "t2f") in ids(input_remarks(case(near)), Severity.INFO)
    assert ids(input_remarks(case(near)), Severity.WARNING) == []
    far = with_registration(alignment=Alignment.REGISTERED, displacement_mm=30.0)
    assert ids(input_remarks(case(far)), Severity.WARNING) == [("LARGE_MOTION", "t2f")]


def test_a_poor_alignment_is_doubted_and_the_reference_is_not() -> None:
    """What hardly resembles t1c should be looked at; t1c itself has nothing to resemble."""
    poor = with_registration(distinctness=2.0)
    assert ids(input_remarks(case(poor)), Severity.WARNING) == [("UNSURE_REGISTRATION", "t2f")]
    reference = with_registration(distinctness=1.0, alignment=Alignment.REFERENCE)
    assert ids(input_remarks(case(reference)), Severity.WARNING) == []


def test_stripped_brains_are_not_doubted_for_sharing_less_than_heads() -> None:
    """Aligned brains without skull share 1.2 to 2 times more in place than aside; their outlines judge them."""
    stripped = replace(UNREMARKABLE.skull_strip, source=BrainSource.ALREADY_STRIPPED)
    record = replace(with_registration(distinctness=1.5), skull_strip=stripped)
    assert ids(input_remarks(case(record)), Severity.WARNING) == []


def test_thick_slices_are_said_for_each_contrast() -> None:
    """5 mm between slices is worth knowing, 3 mm is not."""
    thick = Grid.of(SHAPE, np.diag([1.0, 1.0, 5.0, 1.0]))
    fine = Grid.of(SHAPE, np.diag([1.0, 1.0, 3.0, 1.0]))
    natives = (fine, thick, fine, fine)
    contrasts = tuple(replace(c, native=grid) for c, grid in zip(UNREMARKABLE.contrasts, natives, strict=True))
    record = replace(UNREMARKABLE, contrasts=contrasts)
    assert ("THICK_SLICES", "t1c") in ids(input_remarks(case(record)), Severity.INFO)
    assert len(ids(input_remarks(case(record)), Severity.INFO)) == 2


def test_a_t1c_without_agent_is_doubted() -> None:
    """Nothing in T1c is brighter than in T1: perhaps the same series was sent twice."""
    assert ids(input_remarks(case(agent_sd=0.4)), Severity.WARNING) == [("NO_CONTRAST_AGENT", "t1c")]


def segmentation(voxels: tuple[int, int, int], components: int = 1) -> Segmentation:
    findings = tuple(
        RegionFinding(region, count, None, 1, components, 0, 0) for region, count in zip(REGIONS, voxels, strict=True)
    )
    return Segmentation(np.zeros(SHAPE, np.uint8), findings)


@pytest.mark.parametrize(
    ("found", "severity", "remark"),
    [
        (segmentation((0, 0, 0)), Severity.WARNING, "NO_TUMOUR_FOUND"),
        (segmentation((500, 0, 0)), Severity.INFO, "NO_CORE_FOUND"),
        (segmentation((500, 300, 100), components=4), Severity.WARNING, "MANY_COMPONENTS"),
    ],
)
def test_an_odd_result_is_said(found: Segmentation, severity: Severity, remark: str) -> None:
    """An empty label map, a tumour without core, a tumour in many parts."""
    assert ids(result_remarks(found, ()), severity) == [(remark, "")]


def test_a_plain_result_has_no_remark() -> None:
    """One tumour with a core and enhancement needs no comment."""
    place = RegionPlace(Region.ET, 0.1, (0.0, 0.0, 0.0), 0.0, 100)
    assert result_remarks(segmentation((500, 300, 100)), (place,)) == ()


def test_what_is_lost_in_thick_slices_is_said() -> None:
    """A region that was found and has no native voxel."""
    remarks = result_remarks(segmentation((500, 300, 100)), (RegionPlace(Region.ET, 0.0, None, None, 100),))
    assert ids(remarks, Severity.WARNING) == [("LOST_IN_NATIVE", "t1c")]
