"""What a teacher needs: run sheets, copies with solutions, a class's seats, answers and server.

Learners need one name of it, in a notebook:

    from deployworkbook.teaching import catch_up

    catch_up("05", 3)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
