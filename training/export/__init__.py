"""Export into the model repository: every kind of network, through one gate.

`contract` says what goes in and comes out, `onnx_file` and `torchscript` write files, `runners` opens them, `gate` lets
them pass or names why not, `speed` measures them, `config` and `card` describe them, `repository` puts them down whole,
`model` does all of it in order. `segmenter`, `generator`, `encoder` and `skull_strip` say what a kind of network is,
`ensemble` joins the three segmenters. The command is ``python -m training.export``.
"""
