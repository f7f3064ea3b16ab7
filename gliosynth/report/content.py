"""What a report says: plain facts, formatted nowhere but in the page."""

from dataclasses import dataclass

from gliosynth.labels import Contrast, LabelMap, Region
from gliosynth.report.views import Scene


@dataclass(frozen=True)
class InputFacts:
    """One contrast as it was given.

    Attributes:
        contrast: Which one.
        shape: Voxels along X, Y and Z.
        spacing_mm: Voxel edges in mm.
        orientation: Where the axes point, such as ``LAS``.
        moved_mm: By how far registration moved it on average, in mm; None if it was left alone or is the reference.
    """

    contrast: Contrast
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    moved_mm: float | None


@dataclass(frozen=True)
class RegionFacts:
    """Size and place of one region.

    Attributes:
        region: Which one.
        volume_ml: Its volume in ml.
        centroid_mm: Centre of mass in RAS+ mm, or None if it was not found.
        centroid_shift_mm: How far that lies from the centre on the 1 mm grid, in mm, or None.
    """

    region: Region
    volume_ml: float
    centroid_mm: tuple[float, float, float] | None
    centroid_shift_mm: float | None


@dataclass(frozen=True)
class FlagFacts:
    """All remarks of one kind.

    Attributes:
        is_warning: Whether the result should be looked at before it is used.
        id: The kind's identifier.
        messages: What was seen, one sentence for each volume concerned.
    """

    is_warning: bool
    id: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """One model that answered.

    Attributes:
        name: Its name.
        version: Its version.
        digest: SHA-256 of its file.
        engine: What computed it, and in which arithmetic.
    """

    name: str
    version: str
    digest: str
    engine: str


@dataclass(frozen=True)
class StepFacts:
    """One step that was done to the input.

    Attributes:
        name: The step in words.
        volume: The volume it was done to, or ``""``.
        details: Its parameters and measured values in one line.
    """

    name: str
    volume: str
    details: str


@dataclass(frozen=True)
class ScoreFacts:
    """One region against the expert's labels, with the baseline beside it.

    Attributes:
        region: Which one.
        dice: Dice of the models, 0 to 1.
        hd95_mm: HD95 of the models in mm.
        surface_dice: Surface Dice of the models at 2 mm.
        lesionwise_dice: Lesion-wise Dice of the models (BraTS 2023).
        baseline_dice: Dice of the threshold baseline.
        baseline_hd95_mm: HD95 of the threshold baseline in mm.
        reference_ml: The expert's volume in ml.
        prediction_ml: The models' volume in ml.
    """

    region: Region
    dice: float
    hd95_mm: float
    surface_dice: float
    lesionwise_dice: float
    baseline_dice: float
    baseline_hd95_mm: float
    reference_ml: float
    prediction_ml: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """The case against an expert.

    Attributes:
        scores: WT, TC and ET.
        hd95_definition: Id of the definition of HD95.
        reference: The expert's labels on the scene's grid.
        baseline: The threshold baseline's labels on the scene's grid.
    """

    scores: tuple[ScoreFacts, ...]
    hd95_definition: str
    reference: LabelMap
    baseline: LabelMap


@dataclass(frozen=True, eq=False)
class ReportCase:
    """Everything that the page says about one case.

    Attributes:
        case_id: What the case is called.
        description: One or two sentences about it.
        citation: Where the data come from, and their licence.
        scene: The contrasts and the label map that was found.
        inputs: The contrasts as they were given.
        regions: What was found.
        brain_volume_ml: Brain volume in ml.
        flags: Remarks.
        models: The models that answered.
        steps: What was done to the input.
        times: Stage in words and seconds, in order.
        seconds: Wall-clock seconds of the whole request.
        comparison: Against an expert, or None where there are no labels.
    """

    case_id: str
    description: str
    citation: str
    scene: Scene
    inputs: tuple[InputFacts, ...]
    regions: tuple[RegionFacts, ...]
    brain_volume_ml: float
    flags: tuple[FlagFacts, ...]
    models: tuple[ModelFacts, ...]
    steps: tuple[StepFacts, ...]
    times: tuple[tuple[str, float], ...]
    seconds: float
    comparison: Comparison | None


@dataclass(frozen=True, eq=False)
class Report:
    """A page about one or several cases.

    Attributes:
        cases: In the order of the page.
        version: Version of gliosynth.
        created: When it was made, as text.
        command: The command that made it.
    """

    cases: tuple[ReportCase, ...]
    version: str
    created: str
    command: str
