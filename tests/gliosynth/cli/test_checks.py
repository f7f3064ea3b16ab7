"""The doctor's findings, from what it was shown."""

import pytest

from gliosynth.cli.checks import check_memory, check_models, check_processor, check_python
from gliosynth.client import ModelDescription, ModelIdentity

MEMINFO = "MemTotal:       25165824 kB\nMemFree:  1 kB\nMemAvailable:   {kib} kB\n"


@pytest.mark.parametrize(("version", "passed"), [((3, 11, 0), True), ((3, 13, 2), True), ((3, 10, 14), False)])
def test_an_old_python_is_refused(version: tuple[int, int, int], passed: bool) -> None:
    """3.11 is the oldest."""
    assert check_python(version).passed is passed


def test_free_memory_is_what_the_system_calls_available() -> None:
    """8 GiB are enough, 3 are not, and a system that does not tell is no fault."""
    assert check_memory(MEMINFO.format(kib=8 * 2**20)).passed is True
    scarce = check_memory(MEMINFO.format(kib=3 * 2**20))
    assert (scarce.passed, scarce.seen) == (False, "3.0 GiB")
    assert scarce.remedy
    assert check_memory("").passed is None


def test_vector_instructions_are_named() -> None:
    """From the flags of the processor alone."""
    assert (
        check_processor("processor: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n").seen == "AVX2, AVX-512, AVX-512 bf16"
    )
    assert "none" in check_processor("").seen


def test_a_missing_model_is_a_finding_with_a_remedy() -> None:
    """Needed models first, then whatever else is there."""
    present = ModelDescription(
        ModelIdentity("segmenter_wt", "2", "sha256:abcdef", "openvino", "bf16"), ("2", "1"), {}, ""
    )
    other = ModelDescription(ModelIdentity("another", "1", "sha256:fff", "openvino", "fp32"), ("1",), {}, "")
    checks = {check.name: check for check in check_models([present, other])}
    assert checks["Model segmenter_wt"].seen == "version 2, sha256:abcdef"
    assert checks["Model segmenter_wt"].passed
    assert not checks["Model segmenter_tc"].passed
    assert "model_repository" in checks["Model segmenter_tc"].remedy
    assert checks["Model another"].passed
