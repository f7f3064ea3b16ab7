"""Tables of ``gliosynth tumour-map``."""

from rich.table import Table

from gliosynth.client import BrainMapResult, EditedTumourMap
from gliosynth.report.palette import REGION_NAMES
from gliosynth.tumour_map import RegionMeasure
from gliosynth.tumour_map.describe import Description
from gliosynth.tumour_map.recipe import edit_words


def steps_table(result: EditedTumourMap) -> Table:
    """Returns what each edit did, one row each.

    Args:
        result: An edited tumour map.
    """
    table = Table()
    table.add_column("Edit")
    for header in ("WT ml", "TC ml", "ET ml", "Centre, RAS+ mm", "Cut off ml"):
        table.add_column(header, justify="right", no_wrap=header.startswith("Centre"))
    table.add_row("as given", *_volumes(result.before), _centre(result.before[0]), "")
    for step in result.steps:
        words = edit_words(step.edit)
        if step.done != (step.edit,):
            words = "\n".join([f"{words} (draw {step.draws})", *(f"  {edit_words(edit)}" for edit in step.done)])
        table.add_row(words, *_volumes(step.after), _centre(step.after[0]), f"{step.clipped_ml:.2f}")
    return table


def description_table(found: Description) -> Table:
    """Returns the regions of a tumour map, and in the caption what is said of the whole.

    Args:
        found: What the tumour map holds.
    """
    table = Table(caption=_caption(found), caption_justify="left")
    table.add_column("Region")
    table.add_column("Volume (ml)", justify="right")
    table.add_column("Centre, RAS+ (mm)", justify="right")
    for item in found.regions:
        table.add_row(f"{item.region.value}  {REGION_NAMES[item.region]}", f"{item.volume_ml:.2f}", _centre(item))
    return table


def channels_table(result: BrainMapResult) -> Table:
    """Returns the volume of each channel of a brain map.

    Args:
        result: A brain map.
    """
    table = Table()
    table.add_column("Value", justify="right")
    table.add_column("Channel")
    table.add_column("Volume (ml)", justify="right")
    for channel, volume_ml in result.volumes_ml.items():
        table.add_row(str(int(channel)), channel.name, f"{volume_ml:.2f}")
    return table


def _caption(found: Description) -> str:
    lines = [f"Parts: {found.component_count}"]
    if found.outside_brain_ml is None:
        lines.append("Lobes: unknown; give --brain-mask, --label-map or --image")
    else:
        lobes = [
            f"{item.lobe.value if item.lobe else 'outside all lobes'} {item.side.value} {item.share:.0%}"
            for item in found.lobes
        ]
        lines.append(f"Lobes: {', '.join(lobes) or 'none'}")
        lines.append(f"Outside the brain: {found.outside_brain_ml:.2f} ml")
    return "\n".join(lines)


def _volumes(measures: tuple[RegionMeasure, ...]) -> list[str]:
    return [f"{item.volume_ml:.2f}" for item in measures]


def _centre(measured: RegionMeasure) -> str:
    if measured.centroid_mm is None:
        return "-"
    return " ".join(f"{value:.1f}" for value in measured.centroid_mm)
