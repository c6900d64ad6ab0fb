from .doctor import check_table as check_table
from .doctor import checks as checks
from .lessons import catalogue as catalogue
