"""Lesson files, JupyterLab, kernels and the doctor.

For example, in a notebook:

    from deployworkbook.jupyter import catalogue, check_table, checks

    print([lesson.name for lesson in catalogue()])
    check_table(checks(current_workspace()))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
