"""What other processes do to a learner's progress; here, so that they import no more than that."""

from deployworkbook.exercises.progress import record
from deployworkbook.workspace.folder import Workspace


def try_often(folder, name):
    for number in range(20):
        record(name, solved=False, answer_key=str(number), workspace=Workspace(folder))
