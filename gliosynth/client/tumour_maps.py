"""The client of the tumour-map service, reached as `GliosynthClient.tumour_maps`.

>>> with GliosynthClient("localhost:50051") as client:  # doctest: +SKIP
...     tumour = VolumeFile.from_path(Path("BraTS-GLI-00001-000-seg.nii.gz"))
...     edited = client.tumour_maps.edit(tumour, [Translate(10, 0, 0), Grow(Region.ET, 2)])
...     Path("moved.nii.gz").write_bytes(edited.labels_nifti)
"""

from collections.abc import Mapping, Sequence

import grpc

from gliosynth.client import tumour_map_answers as answers
from gliosynth.client import tumour_map_requests as requests
from gliosynth.client.answers import ProgressCallback, receive
from gliosynth.client.calls import cancelled_on_error, library_errors
from gliosynth.client.payloads import VolumeFile
from gliosynth.client.tumour_edits import edit_message
from gliosynth.client.tumour_map_requests import NO_HEADS, HeadFile
from gliosynth.client.tumour_map_results import BrainMapResult, EditedTumourMap
from gliosynth.tumour_map import TissueKey
from gliosynth.tumour_map.describe import Description
from gliosynth.tumour_map.edits import Edit
from gliosynth.v1 import tumour_map_pb2 as pb
from gliosynth.v1 import tumour_map_pb2_grpc, volume_pb2


class TumourMapClient:
    """The methods of the tumour-map service over an open channel."""

    def __init__(self, channel: grpc.Channel, *, target: str, timeout_s: float) -> None:
        """Keeps the connection.

        Args:
            channel: The connection.
            target: The server's address, for messages.
            timeout_s: Deadline of every request, in seconds.
        """
        self._stub = tumour_map_pb2_grpc.TumourMapServiceStub(channel)
        self._target = target
        self._timeout_s = timeout_s

    def edit(
        self,
        tumour: VolumeFile,
        edits: Sequence[Edit],
        *,
        head: HeadFile | None = None,
        other_heads: Mapping[str, HeadFile] = NO_HEADS,
        key: TissueKey | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> EditedTumourMap:
        """Returns a tumour map edited.

        Args:
            tumour: Label map of the tumour.
            edits: What to do, in this order.
            head: The head on the same grid, or None.
            other_heads: Heads that transplants go to, by the name that the edit gives them.
            key: What the values of label maps mean; None for gliosynth's own.
            on_progress: Called with every progress event.

        Raises:
            GliosynthError: A child that says what the server found wrong, or that it cannot be reached.
        """
        options = pb.EditTumourMapOptions(edits=[edit_message(edit) for edit in edits], tissue_key=_key_message(key))
        messages = requests.edit_requests(options, requests.tumour_parts(tumour, head, other_heads))
        with library_errors(self._target):
            call = self._stub.EditTumourMap(messages, timeout=self._timeout_s)
            with cancelled_on_error(call):
                answer, volumes = receive(call, on_progress)
        return answers.edited_from(answer.report, volumes)

    def brain_map(
        self,
        image: VolumeFile,
        tumour: VolumeFile,
        *,
        brain_mask: VolumeFile | None = None,
        moved_from: VolumeFile | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> BrainMapResult:
        """Returns the generator's eight channels of an image and a tumour.

        Args:
            image: One contrast, intensities not below 0.
            tumour: Where the tumour shall be.
            brain_mask: The brain, or None for the voxels of the image other than 0.
            moved_from: Where the tumour is in the image, if that is somewhere else.
            on_progress: Called with every progress event.

        Raises:
            GliosynthError: As in `edit`.
        """
        volumes = [
            ("image", volume_pb2.VOLUME_ROLE_CONTRAST, image),
            ("tumour_map", volume_pb2.VOLUME_ROLE_TUMOUR_MAP, tumour),
            ("brain_mask", volume_pb2.VOLUME_ROLE_BRAIN_MASK, brain_mask),
            ("moved_from", volume_pb2.VOLUME_ROLE_REFERENCE, moved_from),
        ]
        parts = (part for name, role, file in volumes if file is not None for part in requests.named(name, role, file))
        messages = requests.brain_map_requests(parts)
        with library_errors(self._target):
            call = self._stub.BuildBrainMap(messages, timeout=self._timeout_s)
            with cancelled_on_error(call):
                answer, results = receive(call, on_progress)
        return answers.brain_map_from(answer.report, results)

    def describe(
        self, tumour: VolumeFile, *, head: HeadFile | None = None, key: TissueKey | None = None
    ) -> Description:
        """Returns what a tumour map holds.

        Args:
            tumour: Label map of the tumour.
            head: The head on the same grid, or None; without it nothing is said of lobes.
            key: What the values of a label map mean; None for gliosynth's own.

        Raises:
            GliosynthError: As in `edit`.
        """
        options = pb.DescribeTumourMapOptions(tissue_key=_key_message(key))
        messages = requests.describe_requests(options, requests.tumour_parts(tumour, head, NO_HEADS))
        with library_errors(self._target):
            return answers.description_from(self._stub.DescribeTumourMap(messages, timeout=self._timeout_s))


def _key_message(key: TissueKey | None) -> pb.TissueKey:
    return pb.TissueKey() if key is None else pb.TissueKey(brain_labels=key.brain, barred_labels=key.barred)
