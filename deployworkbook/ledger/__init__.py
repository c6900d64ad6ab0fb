"""What was measured: this machine, one measurement, and the book that keeps them all.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from deployworkbook import ledger
>>> row = ledger.Measurement("int8", "litert", "2.1", "mnist", "f3a9", latency_p50_ms=0.01)
>>> with TemporaryDirectory() as folder:
...     book = ledger.Ledger(Path(folder) / "ledger.sqlite")
...     number = book.add(row)
...     (entry,) = book.entries()
>>> isinstance(entry, ledger.LedgerEntry), entry.measurement.variant
(True, 'int8')
>>> entry.machine == ledger.this_machine(), isinstance(entry.machine, ledger.Machine)
(True, True)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
