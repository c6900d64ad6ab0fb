"""The paths that lesson 00 proposes fit the time they promise."""

import ast

import nbformat

from deployworkbook.jupyter.lessons import catalogue

MOST_MINUTES = {"90 minutes": 90, "a day": 8 * 60}


def test_paths_fit_their_time_and_name_lessons():
    minutes = {lesson.number: lesson.minutes for lesson in catalogue()}
    cells = nbformat.read(catalogue()[0].path, as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.source.count("paths = {")]
    (paths,) = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "paths"
    ]
    keys = [key.value for key in paths.keys]
    for name, numbers in zip(keys, paths.values, strict=True):
        if name in MOST_MINUTES:
            assert sum(minutes[each] for each in ast.literal_eval(numbers)) <= MOST_MINUTES[name]
    assert set(MOST_MINUTES) < set(keys)
