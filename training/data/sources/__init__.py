"""Folders of real or synthetic cases as rings: BraTS of any year, Task01 of the Medical Decathlon, BIDS.

`layouts` tells what a folder is and finds its cases (no image is opened), `reading` turns a case into z-scores as the
segmentation service sees them, `filling` keeps them in a ring that is made once, `splitting` divides patients, and
`options` is the command line that trainers share. A new layout is one file with a `Layout` and one line in `layouts`.
"""
