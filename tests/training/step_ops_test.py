"""Where a step goes: the steps' mean time and their ops' shares, and nothing that is not a step's."""

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from training.step_ops import MOST_OPS, where_a_step_goes

MS = 10**9  # picoseconds


def add_plane(space: xplane_pb2.XSpace, name: str, lines: dict[str, list[tuple]]) -> None:
    """`lines` has a list of (event, began, duration) a thread, in milliseconds."""
    plane = space.planes.add(name=name)
    numbers = {}
    for thread, events in lines.items():
        # Threads count from different moments.
        line = plane.lines.add(name=thread, timestamp_ns=40_000_000 * len(numbers))
        for event, began, duration in events:
            number = numbers.setdefault(event, len(numbers) + 1)
            plane.event_metadata[number].name = event
            offset = int(began * MS) - 1000 * line.timestamp_ns
            line.events.add(metadata_id=number, offset_ps=offset, duration_ps=int(duration * MS))


STEPS = [("train", 100, 40), ("train", 200, 20)]
OPS = [
    ("net/conv/Conv2D:_MklNativeFusedConv2D", 101, 15),
    ("net/again/Conv2D:_MklNativeFusedConv2D", 201, 15),
    ("net/pool:MaxPool", 120, 6),
    ("net/sum:_AddN", 210, 4),
    ("ExecutorState::Process", 101, 39),
    ("EagerLocalExecute: __inference_step_1", 101, 39),
    ("validation:MatMul", 160, 50),
]


@pytest.fixture
def words_of(tmp_path):
    def words(*planes) -> str:
        space = xplane_pb2.XSpace()
        for name, lines in planes:
            add_plane(space, name, lines)
        path = tmp_path / "one.xplane.pb"
        path.write_bytes(space.SerializeToString())
        return where_a_step_goes(path)

    return words


def test_ops_are_summed_by_type_within_the_steps(words_of):
    lines = {"python": STEPS, "tf_Compute/1": OPS, "tf_data_private_threadpool/2": [("decode:DecodeJpeg", 101, 30)]}
    assert words_of(("/host:CPU", lines)) == "30 ms; of the time in its ops FusedConv2D 75%, MaxPool 15%, AddN 10%"


def test_only_the_largest_are_named(words_of):
    many = [(f"op:Op{number}", 100 + number, 1) for number in range(MOST_OPS + 3)]
    assert words_of(("/host:CPU", {"python": STEPS, "tf_Compute/1": many})).count("%") == MOST_OPS


def test_a_gpus_queueing_is_not_taken_for_its_work(words_of):
    host = ("/host:CPU", {"python": STEPS, "tf_Compute/1": OPS})
    assert words_of(host, ("/device:GPU:0", {"Stream #1": [("volta_sgemm", 105, 3)]})) == ""
    assert words_of(host, ("/device:GPU:0", {})) != ""


def test_no_ops_no_words(words_of):
    assert words_of(("/host:CPU", {"python": STEPS})) == ""
    assert words_of() == ""
