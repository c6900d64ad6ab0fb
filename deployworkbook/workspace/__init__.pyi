from .cache import build_once as build_once
from .folder import Workspace as Workspace
from .folder import current_workspace as current_workspace
