"""The model on a microcontroller: written as C, compiled, run.

Write a variant as C, and compile it for a processor:

    from deployworkbook.edge import TARGETS, CompileError, compile_c, export_c, read_project

    project = export_c(Variant("int8", flatbuffer=content), Path("digits-int8"))
    print(project.layouts, project.table_bytes, project.buffer_bytes)
    try:
        build = compile_c(read_project(Path("digits-int8")), "cortex-m0plus", optimize="-Os")
    except CompileError as error:
        print(error)
    print(build.flash_bytes, build.ram_bytes, list(TARGETS))

A page on which people draw a digit, and the model in it answers, offline:

    from deployworkbook.edge import export_page

    export_page(project, Path("digits.html"))

On an emulated core, with every instruction counted, and what it comes to on a real chip; beside it,
TensorFlow Lite Micro:

    from deployworkbook.edge import emulate, measure_core, missing_tools, read_on_chip, run_micro

    print(missing_tools() or "compiler and emulator are there")
    emulation = emulate(project, to_pixels(images), core="cortex-m0plus")
    print(emulation.instructions_per_image, emulation.flash_bytes, emulation.ram_bytes)
    print(read_on_chip(emulation, load_catalog().microcontroller("RP2040")))
    ledger.add(measure_core(variant, dataset, Path("digits-int8")).measurement)
    print(run_micro(content, images).arena_bytes)

What a layout takes, before anything is written, and the whole model in NumPy:

    from deployworkbook.edge import LAYOUTS, layouts_for, plan, read_network, to_pixels

    for layout in layouts_for(weights):
        print(layout.name, layout.flash_bytes)
    program = plan(read_network(variant), layout=list(LAYOUTS)[1])
    scores = program.scores(to_pixels(images))

A few lines of C of your own:

    from deployworkbook.edge import c_bytes, c_function

    text = "int32_t half(int32_t a) { return a / 2; }"
    half = c_function(text, "half")
    print(half(9), c_bytes(text, ["half"]).code)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
