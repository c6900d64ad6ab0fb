from .checking import check as check
from .guessing import predict as predict
from .progress import summary as summary
