"""The cascade of paper 002: WT in the brain's slices, TC and ET only inside the box of WT, ET in TC in WT."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError, InvalidVolumeError
from gliosynth.geometry import Box
from gliosynth.labels import CONTRASTS, LabelMap, Mask, Region, labels_from_regions
from gliosynth.segmentation.box import box_of, in_plane_box, paste_slices
from gliosynth.segmentation.channels import channel_batch, parse_channels
from gliosynth.segmentation.postprocess import FilteredMask, drop_far_fragments, drop_small_components, fill_holes
from gliosynth.segmentation.region_model import Batch, RegionModel, stream_logits

SIZE_MULTIPLE: Final = 16
"""In-plane sizes given to a model are multiples of this: four poolings of a U-Net."""

Contrasts = NDArray[np.float32]
"""``(4, X, Y, Z)`` float32: t1n, t1c, t2w, t2f at 1 mm, z-scores inside the brain clipped to -5 to 5, 0 outside."""


@dataclass(frozen=True)
class CascadeModels:
    """One network for each region.

    Attributes:
        wt: Finds the whole tumour.
        tc: Finds the tumour core.
        et: Finds the enhancing tumour.
    """

    wt: RegionModel
    tc: RegionModel
    et: RegionModel


@dataclass(frozen=True)
class CascadeOptions:
    """How the cascade runs; the defaults are what the shipped models are published with.

    Attributes:
        batch_size: The most slices in a batch; a model's own limit holds too.
        in_flight: The most batches a model is given before it has answered.
        brain_margin_voxels: Voxels added on each side of the brain's box in X and Y.
        core_margin_voxels: Voxels added on each side of WT's box in X and Y before TC and ET run in it.
        fill_holes: Whether cavities of WT without a way out become WT.
        smallest_wt_voxels: WT components below this many voxels (1 mm: mm³) are dropped.
        fragment_share: WT components below this share of the largest one are dropped if they are far from it, too.
        fragment_distance_voxels: How far: farther than satellites lie (METHODS C.5: within 30 mm).
        smallest_tc_voxels: As smallest_wt_voxels, for TC.
        smallest_et_voxels: The same for ET.
    """

    batch_size: int = 8
    in_flight: int = 2
    brain_margin_voxels: int = 0
    core_margin_voxels: int = 8
    fill_holes: bool = True
    smallest_wt_voxels: int = 250
    fragment_share: float = 0.1
    fragment_distance_voxels: float = 30.0
    smallest_tc_voxels: int = 150
    smallest_et_voxels: int = 100

    def __post_init__(self) -> None:
        """Refuses sizes that cannot run.

        Raises:
            InvalidParameterError: A size is below its least value.
        """
        for name, value in (("batch_size", self.batch_size), ("in_flight", self.in_flight)):
            if value < 1:
                raise InvalidParameterError(f"{name} is {value}, it must be at least 1", field=name, got=str(value))
        for name in ("brain_margin_voxels", "core_margin_voxels"):
            if getattr(self, name) < 0:
                raise InvalidParameterError(f"{name} is {getattr(self, name)}, it must be at least 0", field=name)


@dataclass(frozen=True)
class CascadeProgress:
    """Where the cascade stands.

    Attributes:
        region: The region whose model is running.
        slices_done: Slices answered so far.
        slices_total: Slices this region needs.
    """

    region: Region
    slices_done: int
    slices_total: int


@dataclass(frozen=True)
class RegionFinding:
    """What the cascade found of one region.

    Attributes:
        region: Which region.
        voxel_count: Voxels of the region in the label map (1 mm: mm³).
        box: The smallest box that holds them, or None if there are none.
        slices_run: Slices that were given to the region's model.
        component_count: Components that were kept.
        dropped_components: Components that were too small.
        dropped_voxels: Voxels that were dropped with them.
    """

    region: Region
    voxel_count: int
    box: Box | None
    slices_run: int
    component_count: int
    dropped_components: int
    dropped_voxels: int


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The label map of one case and how it came about.

    Attributes:
        labels: ``(X, Y, Z)`` uint8, values of `Label`, on the grid of the contrasts.
        findings: One per region, in the order WT, TC, ET.
    """

    labels: LabelMap
    findings: tuple[RegionFinding, ...]

    @property
    def tumour_found(self) -> bool:
        """Whether there is any tumour in the label map."""
        return self.findings[0].voxel_count > 0


def _ignore_progress(_: CascadeProgress) -> None:
    """Is the default listener: nobody asked."""


def _never_stop() -> None:
    """Is the default check: nobody can cancel."""


@dataclass(frozen=True)
class CascadeHooks:
    """How the caller follows and stops the cascade.

    Attributes:
        on_progress: Called after each batch, in the thread that called `segment_case`.
        check: Called between batches and while one is awaited; may raise to stop.
    """

    on_progress: Callable[[CascadeProgress], None] = field(default=_ignore_progress)
    check: Callable[[], None] = field(default=_never_stop)


def segment_case(
    contrasts: Contrasts,
    brain: Mask,
    *,
    models: CascadeModels,
    options: CascadeOptions | None = None,
    hooks: CascadeHooks | None = None,
) -> Segmentation:
    """Returns the tumour label map of one case.

    WT runs on the brain's axial slices. TC runs on the slices that hold WT, inside WT's box; ET on the slices that
    hold TC, inside the same box. A case without ET has NCR and ED only (the published fusion of paper 002 calls all of
    it ET, METHODS.md A.002); a case without WT has an empty label map and is no error.

    Args:
        contrasts: ``(4, X, Y, Z)``, see `Contrasts`.
        brain: Brain mask ``(X, Y, Z)``.
        models: The three networks.
        options: How to run; default `CascadeOptions()`.
        hooks: Progress and cancellation; default none.

    Raises:
        InvalidVolumeError: Shapes do not match, or the brain mask is empty (EMPTY_BRAIN_MASK).
        ModelError: A model names channels that cannot be made, or answers outside its contract.
    """
    options = options or CascadeOptions()
    runner = _Runner(contrasts=contrasts, options=options, hooks=hooks or CascadeHooks())
    brain_box = _checked_brain_box(contrasts, brain)
    wt, wt_finding = _whole_tumour(runner, models.wt, brain=brain, brain_box=brain_box)
    tc, tc_finding = _core_region(runner, models.tc, region=Region.TC, parent=wt, wt_box=wt_finding.box)
    et, et_finding = _core_region(runner, models.et, region=Region.ET, parent=tc, wt_box=wt_finding.box)
    return Segmentation(labels=labels_from_regions(wt, tc, et), findings=(wt_finding, tc_finding, et_finding))


def _checked_brain_box(contrasts: Contrasts, brain: Mask) -> Box:
    if contrasts.ndim != 4 or contrasts.shape[0] != len(CONTRASTS) or contrasts.shape[1:] != brain.shape:
        raise InvalidVolumeError(
            f"contrasts of shape {contrasts.shape} and a brain mask of shape {brain.shape} do not belong together;"
            " give (4, X, Y, Z) and (X, Y, Z)",
            field="contrasts",
            got=str(contrasts.shape),
            reason="SHAPE_MISMATCH",
        )
    box = box_of(brain)
    if box is None:
        raise InvalidVolumeError(
            "the brain mask selects no voxel; give a mask that covers the brain",
            field="brain",
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    return box


@dataclass(frozen=True, eq=False)
class _Runner:
    """One case on its way through the models."""

    contrasts: Contrasts
    options: CascadeOptions
    hooks: CascadeHooks

    def voxels_above(self, model: RegionModel, *, region: Region, box: Box, indices: NDArray[np.intp]) -> Mask:
        """Returns the voxels ``(X, Y, Z)`` that a model puts above its threshold in some slices of a box."""
        limit = math.log(model.threshold / (1.0 - model.threshold))
        found = np.zeros(self.contrasts.shape[1:], dtype=np.bool_)
        done = 0
        answers = stream_logits(
            model,
            self._batches(model, box=box, indices=indices),
            in_flight=self.options.in_flight,
            check=self.hooks.check,
        )
        for answered, logits in answers:
            paste_slices(found, box, answered, logits[:, 0] > limit)
            done += len(answered)
            self.hooks.on_progress(CascadeProgress(region=region, slices_done=done, slices_total=len(indices)))
        return found

    def _batches(
        self, model: RegionModel, *, box: Box, indices: NDArray[np.intp]
    ) -> Iterator[tuple[NDArray[np.intp], Batch]]:
        channels = parse_channels(model.channels)
        size = min(self.options.batch_size, model.batch_size)
        for first in range(0, len(indices), size):
            part = indices[first : first + size]
            yield part, channel_batch(self.contrasts, channels, box=box, indices=part)


def _whole_tumour(runner: _Runner, model: RegionModel, *, brain: Mask, brain_box: Box) -> tuple[Mask, RegionFinding]:
    options = runner.options
    box = in_plane_box(brain_box, brain.shape, margin=options.brain_margin_voxels, multiple=SIZE_MULTIPLE)
    indices = np.flatnonzero(brain.any(axis=(0, 1)))
    found = runner.voxels_above(model, region=Region.WT, box=box, indices=indices) & brain
    kept = drop_far_fragments(
        drop_small_components(found, minimum_voxels=options.smallest_wt_voxels),
        least_share=options.fragment_share,
        distance_voxels=options.fragment_distance_voxels,
    )
    mask = fill_holes(kept.mask) if options.fill_holes else kept.mask
    return mask, _finding(Region.WT, mask, kept=kept, slices_run=len(indices))


def _core_region(
    runner: _Runner, model: RegionModel, *, region: Region, parent: Mask, wt_box: Box | None
) -> tuple[Mask, RegionFinding]:
    """Returns TC inside WT, or ET inside TC: only slices that hold the parent are run, in the box of WT."""
    options = runner.options
    minimum = options.smallest_tc_voxels if region is Region.TC else options.smallest_et_voxels
    indices = np.flatnonzero(parent.any(axis=(0, 1)))
    found = np.zeros_like(parent)
    if wt_box is not None and indices.size:
        box = in_plane_box(wt_box, parent.shape, margin=options.core_margin_voxels, multiple=SIZE_MULTIPLE)
        found = runner.voxels_above(model, region=region, box=box, indices=indices) & parent
    kept = drop_small_components(found, minimum_voxels=minimum)
    return kept.mask, _finding(region, kept.mask, kept=kept, slices_run=len(indices))


def _finding(region: Region, mask: Mask, *, kept: FilteredMask, slices_run: int) -> RegionFinding:
    return RegionFinding(
        region=region,
        voxel_count=int(np.count_nonzero(mask)),
        box=box_of(mask),
        slices_run=slices_run,
        component_count=kept.kept_components,
        dropped_components=kept.dropped_components,
        dropped_voxels=kept.dropped_voxels,
    )
