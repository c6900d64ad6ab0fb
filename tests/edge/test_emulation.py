"""Models in C on emulated cores: NumPy's scores, the host's scores, and RAM to the byte."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.emulation import emulate
from deployworkbook.edge.emulator import CORES
from deployworkbook.edge.exporting import write_project
from deployworkbook.edge.on_chip import Range, read_on_chip
from deployworkbook.edge.planning import plan

SIZES = (60, 20, 10)
ARITHMETICS = ("int8", "stored", "float32")


@pytest.fixture
def models(networks, tmp_path):
    """One network of each arithmetic, written as C."""

    def made(arithmetic, **options):
        program = plan(getattr(networks, arithmetic)(SIZES, **options))
        return program, write_project(program, arithmetic, tmp_path / arithmetic)

    return made


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_scores_are_numpys(models, networks, core, arithmetic):
    program, project = models(arithmetic)
    pixels = networks.pixels(SIZES[0], 20)
    done = emulate(project, pixels, core=core)
    expected = program.scores(pixels)
    if arithmetic == "float32":
        np.testing.assert_allclose(done.scores, expected, atol=1e-4)
    else:
        np.testing.assert_array_equal(done.scores, expected)
    assert done.core == core
    assert done.instructions.shape == (20,)
    assert (done.instructions > 0).all()


def test_scores_of_a_thousand_images_are_those_of_this_computer(models, networks, run_c):
    _, project = models("stored", sparsity=0.8)
    pixels = networks.pixels(SIZES[0], 1000)
    there = emulate(project, pixels)
    here, classes = run_c(project, pixels)
    np.testing.assert_array_equal(there.scores, here)
    np.testing.assert_array_equal(there.scores.argmax(axis=1), classes)
    np.testing.assert_array_equal(there.probabilities, project.probabilities(here))


def test_zeros_in_weights_save_instructions(models, networks):
    pixels = networks.pixels(SIZES[0], 20)
    dense, sparse = (
        emulate(models("stored", sparsity=share)[1], pixels).instructions_per_image
        for share in (0.0, 0.95)
    )
    assert sparse < 0.5 * dense


def test_ram_is_buffers_image_scores_and_stack(models, networks):
    program, project = models("int8")
    done = emulate(project, networks.pixels(SIZES[0], 5))
    variables = done.build.ram_bytes
    assert variables == pytest.approx(program.buffer_bytes, abs=4)
    assert done.ram_bytes == variables + SIZES[0] + 4 * SIZES[-1] + done.stack_bytes
    assert 16 <= done.stack_bytes <= 200
    assert done.flash_bytes == done.build.flash_bytes > program.table_bytes


def test_the_same_build_can_be_given(models, networks):
    _, project = models("int8")
    pixels = networks.pixels(SIZES[0], 3)
    build = compile_c(project, "cortex-m4", optimize="-O2")
    done = emulate(project, pixels, build=build)
    assert done.core == "cortex-m4"
    assert done.instructions.tolist() != emulate(project, pixels).instructions.tolist()


def test_cycles_are_between_one_and_three_an_instruction(models, networks):
    _, project = models("int8")
    done = emulate(project, networks.pixels(SIZES[0], 10))
    total = sum(count for kind, count in done.kinds.items() if kind != "transfer")
    assert total == pytest.approx(done.instructions_per_image)
    for core in ("cortex-m0plus", "cortex-m4"):
        assert total < done.cycles(core).low <= done.cycles(core).high < 3 * total
    assert done.cycles() == done.cycles("cortex-m0plus")


def test_pixels_of_another_size_are_refused(models):
    _, project = models("int8")
    with pytest.raises(ValueError, match="60 pixels per image"):
        emulate(project, np.zeros((1, 61), np.uint8))
    with pytest.raises(ValueError, match="pixels: expected"):
        emulate(project, np.zeros((0, 60), np.uint8))
    with pytest.raises(ValueError, match="'cortex-m0plus'"):
        emulate(project, np.zeros((1, 60), np.uint8), core="host")


def test_a_chip_takes_the_cycles_at_its_clock(models, networks):
    _, project = models("int8")
    done = emulate(project, networks.pixels(SIZES[0], 10))
    chips = load_catalog().microcontrollers
    small = read_on_chip(done, chips["STM32G031K8"])
    cycles = done.cycles().low
    assert small.runs
    assert small.time_ms.low == pytest.approx(cycles / 64e3)  # 64 MHz
    assert small.energy_uj.low == pytest.approx(cycles / 64 * 6.4 * 3 / 1000)  # µs · mA · V / 1000
    assert small.images_per_battery(2.43e6).low == pytest.approx(2.43e9 / small.energy_uj.high)
    assert small.flash_share == done.flash_bytes / 65_536
    assert small.ram_share == done.ram_bytes / 8_192
    # A Cortex-M4 runs the same program, in other cycles; other cores need one of their own.
    assert read_on_chip(done, chips["nRF52840"]).time_ms.high > 0
    for name in ("ESP32-C3", "ATmega328P"):
        other = read_on_chip(done, chips[name])
        assert (other.runs, other.time_ms, other.images_per_battery(1.0)) == (False, None, None)


def test_a_model_larger_than_a_chip_does_not_fit(models, networks):
    _, project = models("float32")
    done = emulate(project, networks.pixels(SIZES[0], 1))
    chips = load_catalog().microcontrollers
    assert read_on_chip(done, chips["ATmega328P"]).fits == (done.ram_bytes <= 2048)
    assert read_on_chip(done, chips["RP2040"]).fits


def test_a_chip_with_a_circuit_for_floats_gets_a_program_that_uses_it(models, networks):
    _, project = models("float32")
    done = emulate(project, networks.pixels(SIZES[0], 1))
    chips = load_catalog().microcontrollers
    other = read_on_chip(done, chips["nRF52840"])
    assert (other.runs, other.fits, other.time_ms) == (False, True, None)
    assert read_on_chip(done, chips["RP2040"]).time_ms.low > 0


def test_tables_larger_than_the_flash_of_another_core_are_not_compiled(networks, tmp_path) -> None:
    """AVR's compiler refuses them."""
    project = write_project(plan(networks.int8((784, 64, 10))), "test", tmp_path / "c")
    done = emulate(project, networks.pixels(784, images=1))
    reading = read_on_chip(done, load_catalog().microcontrollers["ATmega328P"])
    assert not reading.fits
    assert reading.flash_share > 1


def test_a_range_is_one_number_where_its_ends_meet():
    assert str(Range(1.0, 1.0)) == "1"
    assert str(Range(0.51234, 1.25)) == "0.51 to 1.2"
