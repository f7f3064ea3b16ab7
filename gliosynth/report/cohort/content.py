"""What a cohort's report says: plain facts, formatted nowhere but in the page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One number at the top of the page.

    Attributes:
        label: What it is.
        value: The number as text.
        unit: Its unit, or ``""``.
    """

    label: str
    value: str
    unit: str = ""


@dataclass(frozen=True)
class Distribution:
    """One quantity of the cohort beside the reference's.

    Attributes:
        title: What it is.
        unit: Its unit, or ``""``.
        synthetic: One value for each case that has it.
        real: The same of the reference cases.
        logarithmic: Whether its axis is logarithmic.
        note: What else is known, such as a published mean.
    """

    title: str
    unit: str
    synthetic: tuple[float, ...]
    real: tuple[float, ...]
    logarithmic: bool = False
    note: str = ""


@dataclass(frozen=True)
class RatioRow:
    """One contrast ratio.

    Attributes:
        contrast: In words.
        part: In words.
        synthetic: Percentiles 5, 50 and 95 of the cohort.
        real: Lowest, median and highest of the reference cases, or None.
        band: What the cohort's median is judged by.
        count: Cases with this part.
        passed: Whether the median lies inside the band, or None where it is not judged.
    """

    contrast: str
    part: str
    synthetic: tuple[float, float, float]
    real: tuple[float, float, float] | None
    band: tuple[float, float]
    count: int
    passed: bool | None


@dataclass(frozen=True)
class MetricRow:
    """One line of the tables of fidelity and memorisation.

    Attributes:
        name: In words.
        id: The metric's id, which names its encoder.
        value: The cohort's, as text.
        baseline: What real cases reach among themselves, or what would be alarming, as text.
        threshold: What is required, as text, or ``""`` where it is reported alone.
        count: What was compared, in words with n.
        passed: Whether it is fulfilled, or None where it is reported alone.
    """

    name: str
    id: str
    value: str
    baseline: str
    threshold: str
    count: str
    passed: bool | None


@dataclass(frozen=True)
class QuantityRow:
    """One quantity of the cohort beside the real cases', as text.

    Attributes:
        title: What it is, with its unit.
        synthetic: Median and 5 to 95 % of the cohort.
        real: The same of the real cases.
        distance: Kolmogorov-Smirnov.
        carried: Wasserstein-1 in the quantity's unit.
        difference: Of the means, in standard deviations of the real cases, with its 90 % interval.
        verdict: What that shows.
    """

    title: str
    synthetic: str
    real: str
    distance: str
    carried: str
    difference: str
    verdict: str


@dataclass(frozen=True)
class Place:
    """Where a tumour's centre lies.

    Attributes:
        centre: Share of the brain's bounding box from left, back and bottom, 0 to 1.
        is_real: Whether it is that of a reference case.
    """

    centre: tuple[float, float, float]
    is_real: bool


@dataclass(frozen=True, eq=False)
class CaseTile:
    """One case in the gallery.

    Attributes:
        title: Which case.
        caption: What is known of it.
        picture: PNG or JPEG, see `gliosynth.report.panel`.
    """

    title: str
    caption: str
    picture: bytes


@dataclass(frozen=True, eq=False)
class CohortPage:
    """Everything that the page says about one cohort.

    Attributes:
        name: Of the data set.
        sentence: The spec in a sentence.
        version: Of gliosynth.
        released: Whether the cohort leaves.
        reasons: Which thresholds it misses, one sentence each; with reasons it leaves only where its spec says so.
        remarks: What could not be judged, and why.
        facts: Numbers at the top.
        distributions: Beside the reference's.
        places: Tumour centres, synthetic and real.
        ratios: Contrast ratios.
        quantities: Beside the real cases'.
        fidelity: Rows of the table.
        memorisation: Rows of the table.
        rejects: Why draws were rejected, and how often.
        synthetic: Cases of the cohort.
        real: Reference cases.
        lineage: What made the cohort.
        limits: What the figures do not say.
        attributions: Whose data the reference is.
    """

    name: str
    sentence: str
    version: str
    released: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    facts: tuple[Fact, ...]
    distributions: tuple[Distribution, ...]
    places: tuple[Place, ...]
    ratios: tuple[RatioRow, ...]
    quantities: tuple[QuantityRow, ...]
    fidelity: tuple[MetricRow, ...]
    memorisation: tuple[MetricRow, ...]
    rejects: tuple[tuple[str, int], ...]
    synthetic: tuple[CaseTile, ...]
    real: tuple[CaseTile, ...]
    lineage: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    attributions: tuple[str, ...]
