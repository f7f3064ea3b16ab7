"""Images painted by networks: a simulated case, its tumour moved, its brain maps, and what a network makes of them.

The networks themselves run elsewhere: whoever has an inference engine passes them in as `GeneratorNetwork`.
"""

from gliosynth.generation.case import GeneratedParameters, Generation, generate_case
from gliosynth.generation.healing import heal_maps
from gliosynth.generation.manipulation import Manipulation, MovedTumour, move_tumour
from gliosynth.generation.networks import GeneratorNetwork, NetworkIdentity, SliceSize, check_networks
from gliosynth.generation.painting import brain_maps_of, paint

__all__ = [
    "GeneratedParameters",
    "Generation",
    "GeneratorNetwork",
    "Manipulation",
    "MovedTumour",
    "NetworkIdentity",
    "SliceSize",
    "brain_maps_of",
    "check_networks",
    "generate_case",
    "heal_maps",
    "move_tumour",
    "paint",
]
