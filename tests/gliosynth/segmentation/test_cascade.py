"""Tests of the cascade with networks that are plain functions of their input."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.errors import CancelledError, InvalidParameterError, InvalidVolumeError, ModelError
from gliosynth.labels import Label, Region
from gliosynth.segmentation import (
    CascadeHooks,
    CascadeModels,
    CascadeOptions,
    CascadeProgress,
    segment_case,
)

FloatArray = NDArray[np.float32]
SHAPE = (40, 44, 12)
CHANNELS = ("t1n", "t1c", "t2w", "t2f")
CORE_CHANNELS = ("t1c-t1n", "t1c", "t2w", "t2f")
KEEP_ALL = CascadeOptions(smallest_wt_voxels=1, smallest_tc_voxels=1, smallest_et_voxels=1)


class FunctionModel:
    """A region model whose logits are a function of one channel."""

    def __init__(
        self,
        logits: Callable[[FloatArray], FloatArray],
        *,
        channels: tuple[str, ...] = CHANNELS,
        batch_size: int = 16,
        threshold: float = 0.5,
    ) -> None:
        self.channels = channels
        self.batch_size = batch_size
        self.threshold = threshold
        self.batches: list[FloatArray] = []
        self._logits = logits

    def submit(self, batch: FloatArray) -> "Future[FloatArray]":
        self.batches.append(batch)
        future: Future[FloatArray] = Future()
        future.set_result(self._logits(batch))
        return future


def above(channel: int, limit: float) -> Callable[[FloatArray], FloatArray]:
    """Returns a network whose logit is how far one channel exceeds a limit."""
    return lambda batch: batch[:, channel : channel + 1] - np.float32(limit)


def nothing(batch: FloatArray) -> FloatArray:
    """Is a network that never finds anything."""
    return np.full((len(batch), 1, *batch.shape[2:]), -9.0, dtype=np.float32)


def everything(batch: FloatArray) -> FloatArray:
    """Is a network that finds its region everywhere."""
    return -nothing(batch)


def nested_case() -> tuple[FloatArray, NDArray[np.bool_]]:
    """Returns a case with WT where FLAIR is 2, TC where T2 is 2 and ET where T1c - T1 is 2, and its brain."""
    contrasts = np.zeros((4, *SHAPE), dtype=np.float32)
    brain = np.zeros(SHAPE, dtype=np.bool_)
    brain[4:36, 4:40, 1:11] = True
    contrasts[3, 10:30, 10:30, 2:10] = 2.0
    contrasts[2, 14:26, 14:26, 3:9] = 2.0
    contrasts[1, 16:24, 16:24, 4:8] = 2.0
    return contrasts, brain


def nested_models() -> CascadeModels:
    """Returns the three networks that read `nested_case`."""
    return CascadeModels(
        wt=FunctionModel(above(3, 1.0)),
        tc=FunctionModel(above(2, 1.0), channels=CORE_CHANNELS),
        et=FunctionModel(above(0, 1.0), channels=CORE_CHANNELS),
    )


def test_nested_regions_become_their_labels() -> None:
    """ED around NCR around ET, counted by hand."""
    contrasts, brain = nested_case()
    result = segment_case(contrasts, brain, models=nested_models(), options=KEEP_ALL)
    expected = np.zeros(SHAPE, dtype=np.uint8)
    expected[10:30, 10:30, 2:10] = Label.ED
    expected[14:26, 14:26, 3:9] = Label.NCR
    expected[16:24, 16:24, 4:8] = Label.ET
    np.testing.assert_array_equal(result.labels, expected)
    assert [finding.region for finding in result.findings] == [Region.WT, Region.TC, Region.ET]
    assert [finding.voxel_count for finding in result.findings] == [20 * 20 * 8, 12 * 12 * 6, 8 * 8 * 4]
    assert [finding.slices_run for finding in result.findings] == [10, 8, 6]
    assert result.tumour_found


def test_hierarchy_drops_core_outside_whole_tumour_and_enhancement_outside_core() -> None:
    """Networks that find TC and ET everywhere add nothing outside the region around them."""
    contrasts, brain = nested_case()
    models = CascadeModels(wt=nested_models().wt, tc=nested_models().tc, et=FunctionModel(everything))
    result = segment_case(contrasts, brain, models=models, options=KEEP_ALL)
    assert (result.labels == Label.ET).sum() == 12 * 12 * 6
    assert (result.labels == Label.NCR).sum() == 0
    assert (result.labels == Label.ED).sum() == 20 * 20 * 8 - 12 * 12 * 6


def test_case_without_enhancement_has_no_enhancing_label() -> None:
    """Without ET the core is NCR; the published fusion calls the whole tumour ET (METHODS.md A.002)."""
    contrasts, brain = nested_case()
    models = CascadeModels(wt=nested_models().wt, tc=nested_models().tc, et=FunctionModel(nothing))
    result = segment_case(contrasts, brain, models=models, options=KEEP_ALL)
    assert not (result.labels == Label.ET).any()
    assert (result.labels == Label.NCR).sum() == 12 * 12 * 6
    assert result.findings[2].box is None


def test_case_without_tumour_is_empty_and_runs_no_core_model() -> None:
    """No WT: an empty label map, a flag, and not one slice for TC and ET."""
    contrasts, brain = nested_case()
    tc, et = FunctionModel(everything), FunctionModel(everything)
    result = segment_case(contrasts, brain, models=CascadeModels(FunctionModel(nothing), tc, et))
    assert not result.labels.any()
    assert not result.tumour_found
    assert (tc.batches, et.batches) == ([], [])


def test_enhancement_runs_only_on_slices_that_hold_core() -> None:
    """TC is empty: ET is never asked."""
    contrasts, brain = nested_case()
    et = FunctionModel(everything)
    segment_case(contrasts, brain, models=CascadeModels(nested_models().wt, FunctionModel(nothing), et))
    assert et.batches == []


def test_small_components_are_dropped_at_their_limits() -> None:
    """An ET of 256 voxels is kept at 256 and becomes NCR at 257."""
    contrasts, brain = nested_case()
    kept = segment_case(contrasts, brain, models=nested_models(), options=CascadeOptions(smallest_et_voxels=256))
    dropped = segment_case(contrasts, brain, models=nested_models(), options=CascadeOptions(smallest_et_voxels=257))
    assert (kept.labels == Label.ET).sum() == 256
    assert (dropped.labels == Label.ET).sum() == 0
    assert (dropped.labels == Label.NCR).sum() == 12 * 12 * 6
    assert dropped.findings[2].dropped_voxels == 256


def test_whole_tumour_stays_inside_the_brain() -> None:
    """A network that finds tumour everywhere fills the brain and no voxel more."""
    contrasts, brain = nested_case()
    models = CascadeModels(FunctionModel(everything), FunctionModel(nothing), FunctionModel(nothing))
    result = segment_case(contrasts, brain, models=models)
    np.testing.assert_array_equal(result.labels == Label.ED, brain)


def test_cavity_of_whole_tumour_is_filled_unless_told_otherwise() -> None:
    """A dark voxel inside WT is WT by default."""
    contrasts, brain = nested_case()
    contrasts[3, 12, 12, 5] = 0.0
    filled = segment_case(contrasts, brain, models=nested_models(), options=KEEP_ALL)
    open_ = CascadeOptions(fill_holes=False)
    assert filled.labels[12, 12, 5] == Label.ED
    assert segment_case(contrasts, brain, models=nested_models(), options=open_).labels[12, 12, 5] == Label.BACKGROUND


def test_models_get_crops_of_multiples_of_sixteen_in_batches_of_their_size() -> None:
    """The brain's 32x36 box becomes 32x48, reaching out of the 44 voxels; ten slices go in threes."""
    contrasts, brain = nested_case()
    wt = FunctionModel(above(3, 1.0), batch_size=3)
    segment_case(contrasts, brain, models=CascadeModels(wt, FunctionModel(nothing), FunctionModel(nothing)))
    assert [batch.shape for batch in wt.batches] == [(3, 4, 32, 48)] * 3 + [(1, 4, 32, 48)]


def test_core_crop_holds_the_voxels_around_whole_tumour() -> None:
    """TC sees what lies in its margin, not zeros: 20 voxels of WT and 8 on each side make 36, rounded up to 48."""
    contrasts, brain = nested_case()
    contrasts[2, 6, 20, 5] = 7.0
    tc = FunctionModel(nothing)
    segment_case(contrasts, brain, models=CascadeModels(nested_models().wt, tc, FunctionModel(nothing)))
    assert tc.batches[0].shape[2:] == (48, 48)
    assert tc.batches[0].max() == np.float32(7.0)


def test_difference_channel_is_the_difference_of_contrasts() -> None:
    """Channel t1c-t1n holds T1c - T1."""
    contrasts, brain = nested_case()
    contrasts[0] = 0.25
    wt = FunctionModel(nothing, channels=CORE_CHANNELS)
    segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt))
    difference = np.concatenate([batch[:, 0] for batch in wt.batches])
    assert (difference.min(), difference.max()) == (-0.25, 1.75)


def test_threshold_is_a_probability() -> None:
    """A logit of 1 is a probability of 0.731: above 0.7, below 0.75."""
    contrasts, brain = nested_case()

    def labels_at(threshold: float) -> int:
        wt = FunctionModel(above(3, 1.0), threshold=threshold)
        models = CascadeModels(wt, FunctionModel(nothing), FunctionModel(nothing))
        return int(segment_case(contrasts, brain, models=models).labels.sum())

    assert labels_at(0.7) > 0
    assert labels_at(0.75) == 0


def test_batches_in_flight_never_exceed_the_option() -> None:
    """With three in flight the fourth batch waits for the first answer."""
    contrasts, brain = nested_case()
    waiting: list[int] = []
    most: list[int] = []

    class SlowModel(FunctionModel):
        def submit(self, batch: FloatArray) -> "Future[FloatArray]":
            waiting.append(1)
            most.append(len(waiting))
            return super().submit(batch)

    hooks = CascadeHooks(on_progress=lambda _: waiting.pop() and None)
    wt = SlowModel(nothing, batch_size=1)
    options = CascadeOptions(in_flight=3)
    segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt), options=options, hooks=hooks)
    assert max(most) == 3


def test_result_does_not_depend_on_batch_size_or_batches_in_flight() -> None:
    """The same labels whichever way the slices are sent, also by threads that answer out of order."""
    contrasts, brain = nested_case()
    contrasts += np.random.default_rng(1).normal(0.0, 0.5, size=contrasts.shape).astype(np.float32)
    expected = segment_case(contrasts, brain, models=nested_models(), options=CascadeOptions(batch_size=1, in_flight=1))
    with ThreadPoolExecutor(4) as pool:

        class PooledModel(FunctionModel):
            def submit(self, batch: FloatArray) -> "Future[FloatArray]":
                return pool.submit(self._logits, batch)

        models = CascadeModels(
            wt=PooledModel(above(3, 1.0)),
            tc=PooledModel(above(2, 1.0), channels=CORE_CHANNELS),
            et=PooledModel(above(0, 1.0), channels=CORE_CHANNELS),
        )
        result = segment_case(contrasts, brain, models=models, options=CascadeOptions(batch_size=5, in_flight=4))
    np.testing.assert_array_equal(result.labels, expected.labels)
    assert expected.tumour_found


def test_progress_counts_every_slice_once() -> None:
    """Each region's count rises to its total."""
    contrasts, brain = nested_case()
    seen: list[CascadeProgress] = []
    segment_case(
        contrasts,
        brain,
        models=nested_models(),
        options=CascadeOptions(batch_size=4, smallest_wt_voxels=1, smallest_tc_voxels=1, smallest_et_voxels=1),
        hooks=CascadeHooks(on_progress=seen.append),
    )
    steps = [(progress.region, progress.slices_done, progress.slices_total) for progress in seen]
    assert steps == [
        (Region.WT, 4, 10),
        (Region.WT, 8, 10),
        (Region.WT, 10, 10),
        (Region.TC, 4, 8),
        (Region.TC, 8, 8),
        (Region.ET, 4, 6),
        (Region.ET, 6, 6),
    ]


def test_cancellation_stops_the_work_and_cancels_what_is_in_flight() -> None:
    """The check's error comes out, and batches that were not answered are cancelled."""
    contrasts, brain = nested_case()
    futures: list[Future[FloatArray]] = []

    class SilentModel(FunctionModel):
        def submit(self, batch: FloatArray) -> "Future[FloatArray]":
            futures.append(Future())
            return futures[-1]

    def check() -> None:
        if len(futures) == 2:
            raise CancelledError("the caller went away")

    wt = SilentModel(nothing, batch_size=1)
    with pytest.raises(CancelledError):
        segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt), hooks=CascadeHooks(check=check))
    assert [future.cancelled() for future in futures] == [True, True]


@pytest.mark.parametrize("channels", [(), ("t1c-t1n-t2w",), ("flair",), ("t1c*2",)])
def test_model_with_impossible_channels_is_refused(channels: tuple[str, ...]) -> None:
    """Only contrasts and differences of two can be made."""
    contrasts, brain = nested_case()
    wt = FunctionModel(nothing, channels=channels)
    with pytest.raises(ModelError) as caught:
        segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt))
    assert (caught.value.reason, caught.value.field) == ("BAD_CHANNELS", "channels")


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_answer_that_is_not_finite_is_refused(answer: float) -> None:
    """NaN and infinity are no logits."""
    contrasts, brain = nested_case()
    wt = FunctionModel(lambda batch: np.full((len(batch), 1, *batch.shape[2:]), answer, dtype=np.float32))
    with pytest.raises(ModelError) as caught:
        segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt))
    assert caught.value.reason == "BAD_LOGITS"


def test_answer_of_another_shape_is_refused() -> None:
    """Two channels where one was promised."""
    contrasts, brain = nested_case()
    wt = FunctionModel(lambda batch: batch[:, :2])
    with pytest.raises(ModelError, match="shape"):
        segment_case(contrasts, brain, models=CascadeModels(wt, wt, wt))


def test_inputs_that_do_not_belong_together_are_refused() -> None:
    """Another grid, a missing contrast, an empty brain."""
    contrasts, brain = nested_case()
    for bad in (contrasts[:, 1:], contrasts[:3]):
        with pytest.raises(InvalidVolumeError) as caught:
            segment_case(bad, brain, models=nested_models())
        assert caught.value.reason == "SHAPE_MISMATCH"
    with pytest.raises(InvalidVolumeError) as caught:
        segment_case(contrasts, np.zeros_like(brain), models=nested_models())
    assert caught.value.reason == "EMPTY_BRAIN_MASK"


def test_options_that_cannot_run_are_refused() -> None:
    """No batch of zero slices, no negative margin."""
    for name, value in (("batch_size", 0), ("in_flight", 0), ("core_margin_voxels", -1)):
        with pytest.raises(InvalidParameterError) as caught:
            CascadeOptions(**{name: value})
        assert caught.value.field == name
