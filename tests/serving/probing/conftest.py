"""A sound server and five faulty ones."""

from tests.serving.planted import golden as golden
from tests.serving.planted import planted as planted
