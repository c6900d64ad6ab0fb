"""The commands ``serve``, for serving here, and ``deploy-files``, for serving elsewhere."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of, workspace_of

_FORMS = {"savedmodel": "SavedModel", "litert": "LiteRT file", "onnx": "ONNX file"}

# The server's own parser reads all the flags, --help included.
AS_GIVEN = {"allow_extra_args": True, "ignore_unknown_options": True}


def serve(context: typer.Context) -> None:
    """Serve a folder of models over TensorFlow Serving's API.

    Versions may hold SavedModels, LiteRT or ONNX files.

    Takes TensorFlow Serving's flags: --port, --rest_api_port, --model_name, --model_base_path.
    """
    from deployworkbook.serving.embedded.flags import PARENT_VARIABLE, parse
    from deployworkbook.serving.embedded.peers import own_place
    from deployworkbook.serving.embedded.ports import check_ports

    # Read before TensorFlow is imported: the parent may end during the import.
    parent = int(os.environ.pop(PARENT_VARIABLE, os.getppid()))
    options = parse(context.args)
    place = own_place()
    if place is None:
        check_ports(options)
        if options.num_workers > 1:
            from deployworkbook.serving.embedded.supervisor import supervise

            supervise(options, context.args, parent_id=parent)

    # Imported only now: TensorFlow takes seconds, and wrong flags should be reported at once.
    from deployworkbook.serving.embedded.server import run as run_server

    if place is None:
        run_server(options, parent_id=parent)
    else:
        run_server(options, parent_id=parent, place=place)


def deploy_files(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Published model; repeatable (default: all)."),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with the published models (default: your workspace's).",
        ),
    ] = None,
    image: Annotated[
        str, typer.Option(metavar="NAME", help="Image name, with its registry if it has one.")
    ] = "deployworkbook-models",
    cpus: Annotated[int, typer.Option(min=1, help="CPUs per server.")] = 2,
    memory: Annotated[
        int, typer.Option(min=256, metavar="MIB", help="Memory per server, in MiB.")
    ] = 1024,
    kserve: Annotated[
        bool, typer.Option("--kserve", help="Write a manifest for KServe, too.")
    ] = False,
    folder: Folder = None,
) -> None:
    """Write the files to serve your published models elsewhere.

    They are for Docker, Compose and Kubernetes; the README among them has the commands. TensorFlow
    Serving gets SavedModels and LiteRT files; OpenVINO Model Server gets ONNX files, in the folder
    "onnx" within DIR if you have both. Models with golden images (see the command probe) get tests
    from outside: a CronJob and a JUnit project. Files you have edited are copied to your
    workspace's backups before they are replaced.
    """
    from deployworkbook.deployment_files.bundle import Bundle, by_server, find_models
    from deployworkbook.deployment_files.outside import find_golden
    from deployworkbook.deployment_files.writing import write

    workspace = workspace_of(folder) if repository else existing_workspace_of(folder)
    groups = by_server(find_models(repository or workspace.published, model or []))
    for place, models in enumerate(groups):
        # A second group are ONNX files, and their server another one.
        name, target = (f"{image}-onnx", directory / "onnx") if place else (image, directory)
        found = find_golden(models, workspace.golden)
        bundle = Bundle(
            models, name, cpus=cpus, memory_mib=memory, kserve=kserve, golden=found.golden
        )
        written = write(target, bundle, workspace=workspace)
        for each in models:
            numbers = ", ".join(str(version.number) for version in each.versions)
            print(f"{each.name}: version {numbers}")
        for note in found.notes:
            print(note)
        for path, backup in written.backups.items():
            print(f"Your {path} is saved as {backup}.")
        print(f"Wrote {len(written.paths)} files and models to {target}; see its README.md.")


def publish(
    variant: Annotated[str, typer.Argument(help="Variant to publish.")],
    runtime: Annotated[
        str | None,
        typer.Option(
            help="Form to publish: savedmodel, litert or onnx (default: the first of these that "
            "was exported)."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Model's name (default: the variant's, with the runtime if it isn't savedmodel).",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="mnist or digits (default: the newest export).")
    ] = None,
    folder: Folder = None,
) -> None:
    """Publish an exported form of a model as a version.

    Servers load it from your workspace; deploy-files writes the files to serve it elsewhere.
    """
    from deployworkbook.serving.api.model_files import FILES, LITERT, SAVEDMODEL
    from deployworkbook.serving.repository.model_repository import ModelRepository
    from deployworkbook.validation import check_choice

    workspace = existing_workspace_of(folder)
    kinds = list(FILES) if runtime is None else [check_choice("--runtime", runtime, list(FILES))]
    source = _newest_export(workspace.artifacts, variant, kinds, dataset)
    kind = source.suffix[1:]
    base = workspace.published / (model or (variant if kind == SAVEDMODEL else f"{variant}-{kind}"))
    version = ModelRepository(base).publish(source, variant=variant)
    print(f"Published version {version.number} of {base.name}, from {source}.")
    command = ["deployworkbook", "serve", f"--model_name={base.name}", f"--model_base_path={base}"]
    command += ["--prefer_tflite_model"] if kind == LITERT else []
    print(f"Serve it: {shlex.join(command)}")


def _newest_export(
    artifacts: Path, variant: str, kinds: Sequence[str], dataset: str | None
) -> Path:
    """Find a variant's newest export of the first kind that there is."""
    from deployworkbook.validation import check_choice

    exported = sorted(
        (path for path in artifacts.glob("*/*") if path.suffix[1:] in kinds),
        key=lambda path: path.stat().st_mtime,
    )
    if not exported:
        raise FileNotFoundError(
            f"{artifacts} holds no {' and no '.join(_FORMS[kind] for kind in kinds)}. Lessons 09, "
            "10 and 12 export them."
        )
    if dataset is not None:
        check_choice("--dataset", dataset, sorted({path.parent.name for path in exported}))
        exported = [path for path in exported if path.parent.name == dataset]
    check_choice("variant", variant, dict.fromkeys(path.stem for path in exported))
    found = [path for path in reversed(exported) if path.stem == variant]
    return min(found, key=lambda path: kinds.index(path.suffix[1:]))
