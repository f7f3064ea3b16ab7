"""What ``gliosynth tumour-map edit --help`` teaches."""

from typing import Final

EDIT_HELP: Final = """Edit a tumour map: a .nii or .nii.gz file, or the folder of a case that has one.

Edits are done in the order given. Directions are the patient's, in mm, whatever the orientation of the file:

\b
translate RIGHT ANTERIOR SUPERIOR  move
rotate DEGREES (R A S)             about an axis through the centroid;
                                   upwards where none is given
scale FACTOR                       about the centroid
mirror PLANE                       midline: into the other hemisphere;
                                   sagittal, coronal, axial: in place
deform MM (SEED) (SCALE)           bend smoothly; volumes stay
grow REGION MM                     WT, TC or ET
shrink REGION MM                   at most to the region inside it
resize REGION ML                   to a volume
thicken_rim MM                     ET, into the necrosis
add_satellite ML (GAP) (SHARE)     a small lesion beside it
relocate LOBE SIDE                 frontal, parietal, temporal,
                                   occipital, insula, deep; left, right
transplant HEAD                    head_01 to head_20, or a head of
                                   --head-mask or --head-labels
random SEED                        rotation, scale, flips and shift

Every value also has a name, as in 'deform 3 seed=7'. The tumour stays inside the brain where the command knows it:
from --brain-mask, --label-map (which is healed where the tumour left) or --image; by default from the t1c of the case
folder.

Writes the edited map, and beside it a JSON with volumes, centroids and what was cut off, which --edits reads back.

\b
gliosynth tumour-map edit CASE --edit 'mirror midline' \\
  --edit 'grow ET 2' --out mirrored.nii.gz
"""
"""Help of the command; a backspace keeps the lines that follow as they are."""
