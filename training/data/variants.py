"""The simulator with one thing changed, each by name: mostly without one ingredient of PROTOTYPE 6 or METHODS C.1.

A segmenter trained on a ring of each, beside one of ``training`` with as many volumes, tells what the ingredient is
worth (`training.ablations`). The simulator itself is not touched: these are settings.
"""

from dataclasses import fields, replace
from types import MappingProxyType
from typing import Final

from gliosynth.contrast.settings import COHORT, TRAINING, NegativeSettings, SimulatorSettings
from gliosynth.errors import InvalidParameterError

_NO_NEGATIVES: Final = NegativeSettings(*(0.0 for _ in fields(NegativeSettings)))
_PHYSICS: Final = TRAINING.physics
_TUMOUR: Final = TRAINING.tumour
_ELLIPSOIDS: Final = replace(
    _TUMOUR, family_shares=(0.0, 1.0, 0.0), irregularity=(0.0, 0.02), white_matter_preference=(0.0, 0.0)
)

VARIANTS: Final = MappingProxyType(
    {
        settings.name: settings
        for settings in (
            TRAINING,
            replace(TRAINING, name="textbook-t2", physics=replace(_PHYSICS, textbook=True)),
            replace(TRAINING, name="no-hard-negatives", negatives=_NO_NEGATIVES),
            replace(TRAINING, name="no-texture", physics=replace(_PHYSICS, texture=0.0)),
            replace(TRAINING, name="no-thick-slices", acquisition=replace(TRAINING.acquisition, thick_share=0.0)),
            replace(TRAINING, name="ellipsoids-only", tumour=_ELLIPSOIDS),
            replace(
                TRAINING, name="physics-only", physics=replace(_PHYSICS, mixture_share=0.0, signal_jitter_share=0.0)
            ),
            replace(
                TRAINING, name="no-mass-effect", deformation=replace(TRAINING.deformation, mass_effect_mm=(0.0, 0.0))
            ),
            replace(TRAINING, name="no-tumour-free", tumour=replace(_TUMOUR, free_share=0.0)),
            replace(TRAINING, name="tumour-free", tumour=replace(_TUMOUR, free_share=1.0)),
            replace(TRAINING, name="no-growth", tumour=replace(_TUMOUR, family_shares=(0.0, 1.0, 0.0))),
            replace(TRAINING, name="no-label-margin", tumour=replace(_TUMOUR, label_margin_mm=(0.0, 0.0))),
            replace(
                TRAINING,
                name="no-rare-tumours",
                tumour=replace(
                    _TUMOUR, faint_oedema_share=0.0, cystic_share=0.0, haemorrhage_share=0.0, isointense_share=0.0
                ),
            ),
            replace(
                COHORT,
                name="quiet-scans",
                acquisition=replace(COHORT.acquisition, thick_share=0.0, noise=(0.003, 0.01)),
            ),
        )
    }
)
"""Settings by name; ``training`` is the control. ``quiet-scans`` are for generators: thin slices with little noise."""


def variant(name: str) -> SimulatorSettings:
    """Returns the settings of a name.

    Raises:
        InvalidParameterError: There is no such variant.
    """
    if name not in VARIANTS:
        raise InvalidParameterError(
            f"there is no simulator variant {name!r}; choose one of {', '.join(VARIANTS)}", field="settings", got=name
        )
    return VARIANTS[name]
