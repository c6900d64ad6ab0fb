from .book import Ledger as Ledger
from .machine import Machine as Machine
from .machine import this_machine as this_machine
from .measurement import LedgerEntry as LedgerEntry
from .measurement import Measurement as Measurement
