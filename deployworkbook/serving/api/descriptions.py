"""Define protobuf messages in a few lines, for clients without generated code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

# A message: the number and the kind of each field, as a .proto file writes them.
Message = Mapping[str, tuple[int, str]]

_FORM = re.compile(r"(?P<repeated>repeated )?(?:map<(?P<key>\w+), (?P<value>[\w.]+)>|(?P<one>.+))")
_KNOWN_FILES = (any_pb2, wrappers_pb2)


def message_classes(packages: Mapping[str, Mapping[str, Message]]) -> dict[str, Any]:
    r"""Make message classes in a separate pool, so that generated ones can exist beside them.

    Args:
        packages: Messages by package and name. A field is a scalar (``float``), a message by its
            full name (``google.protobuf.Any``), ``repeated`` either, or ``map<string, KIND>``.

    Returns:
        The classes by message name, without the package.

    >>> classes = message_classes({"zoo": {"Animal": {"name": (1, "string")}}})
    >>> classes["Animal"](name="gnu").SerializeToString()
    b'\n\x03gnu'
    """
    pool = descriptor_pool.DescriptorPool()
    for known in _KNOWN_FILES:
        copy = descriptor_pb2.FileDescriptorProto()
        known.DESCRIPTOR.CopyToProto(copy)
        pool.Add(copy)
    names = []
    file = None
    for package, messages in packages.items():
        dependencies = [known.DESCRIPTOR.name for known in _KNOWN_FILES]
        # A package may use the one before it.
        dependencies += [file.name] if file else []
        file = descriptor_pb2.FileDescriptorProto(
            name=f"deployworkbook/{package}.proto",
            package=package,
            syntax="proto3",
            dependency=dependencies,
        )
        for name, fields in messages.items():
            message = file.message_type.add(name=name)
            for field_name, (number, kind) in fields.items():
                _add_field(message, f".{package}.{name}", field_name, number, kind)
            names.append(f"{package}.{name}")
        pool.Add(file)
    return {
        name.rsplit(".", 1)[-1]: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        for name in names
    }


def _add_field(message: Any, full_name: str, name: str, number: int, kind: str) -> None:
    form = _FORM.fullmatch(kind)
    if form is None:
        raise ValueError(f"{full_name}.{name}: {kind!r} is not a kind of field.")
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if form["repeated"] or form["key"] else field.LABEL_OPTIONAL
    if form["key"]:
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, full_name, "key", 1, form["key"])
        _add_field(entry, full_name, "value", 2, form["value"])
        field.type, field.type_name = field.TYPE_MESSAGE, f"{full_name}.{entry.name}"
    elif "." in form["one"]:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{form['one']}"
    else:
        field.type = getattr(field, f"TYPE_{form['one'].upper()}")
