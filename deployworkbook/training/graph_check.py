"""Check that a SavedModel's graph only computes: no files, no Python code, no network.

A SavedModel is a program. TensorFlow runs it with the rights of the user who loads it, and some
operations read or write any file by name. The workbook's own exports need none of them, so a graph
that contains one did not come from the workbook. (The model server is different: like TensorFlow
Serving it runs any SavedModel, so serve only models from people whose programs you would run.)

Source: TensorFlow's SECURITY.md, "TensorFlow models are programs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from deployworkbook.training.quiet_tensorflow import tf
from deployworkbook.validation import value_error

REACHING_OUT = re.compile(
    r"PyFunc\w*|EagerPyFunc|\w*(File|Files|Reader|Dataset|Iterator|Summary|Rpc|Checkpoints?)(V\d)?"
    r"|\w*(ReadFile|WriteFile|MatchingFiles|FileSystem|TextFile|Dataset|Summary|Reader)\w*"
    r"|Print\w*|Debug\w*|Remote\w*|LoadAndRemap\w*|Send|Recv|_Send|_Recv|\w*ExecuteOp"
)

# Every SavedModel has a function that saves its variables and one that restores them. No
# operation that computes an answer may reach them.
STORING = re.compile(r"(Save|Restore)(V2|Slices?)?|MergeV2Checkpoints|ShardedFilename")
_OWN_STORING = re.compile(r"__inference__traced_(save|restore)_\d+")

_POOL = tf.compat.v1.ConfigProto.DESCRIPTOR.file.pool


def check_graph(folder: Path) -> None:
    """Raise an error for a SavedModel whose graph does more than compute.

    Args:
        folder: Folder of the SavedModel.

    Raises:
        FileNotFoundError: There is no ``saved_model.pb``.
        ValueError: It is not a SavedModel, or has an operation that reads or writes files, calls
            Python, or communicates with other machines.
    """
    saved = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.SavedModel"))()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError(f"{folder} is not a SavedModel ({error}). Export it again.") from error
    for meta in saved.meta_graphs:
        if found := sorted(set(_reaching_out(meta))):
            raise value_error(
                f"{folder}: operations",
                received=", ".join(found),
                expected="arithmetic alone",
                remedy="They can read and write your files. Export the model again.",
            )


def _reaching_out(meta: Any) -> Iterator[str]:
    functions = {each.signature.name: each.node_def for each in meta.graph_def.library.function}
    storing = {name for name in functions if _OWN_STORING.fullmatch(name)}
    for name, nodes in functions.items():
        for node in nodes:
            yield from _op(node, allowed=name in storing)
            if name not in storing and storing & set(_called(node)):
                yield f"{name} calls the saver"
    outputs = [
        each.name
        for signature in meta.signature_def.values()
        for each in signature.outputs.values()
    ]
    answering = _ancestors(meta.graph_def.node, outputs)
    for node in meta.graph_def.node:
        yield from _op(node, allowed=node.name not in answering)
        if node.name in answering and storing & set(_called(node)):
            yield f"{node.name} calls the saver"


def _op(node: Any, *, allowed: bool) -> Iterator[str]:
    if STORING.fullmatch(node.op):
        if not allowed:
            yield node.op
    elif REACHING_OUT.fullmatch(node.op):
        yield node.op


def _called(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        yield value.func.name
        yield from (each.name for each in value.list.func)


def _ancestors(nodes: Any, outputs: list[str]) -> set[str]:
    """Return all nodes that some tensors depend on."""
    inputs = {node.name: node.input for node in nodes}
    found, waiting = set[str](), [_node_of(name) for name in outputs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [_node_of(each) for each in inputs.get(name, ())]
    return found


def _node_of(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
